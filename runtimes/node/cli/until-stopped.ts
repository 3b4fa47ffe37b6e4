/** Resolves when the person (or the system) asks the program to stop. */
export function untilStopped(stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (stop.aborted) resolve()
    else stop.addEventListener('abort', () => { resolve() }, { once: true })
  })
}
