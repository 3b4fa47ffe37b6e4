/** Small named blobs that survive a restart, such as an identity or an IAM state. */
export interface Storage {
  /** Undefined when there is none. */
  read(name: string): Promise<Uint8Array | undefined>
  /** Replaces the whole blob atomically: after a power cut there is the old or the new one, never a third. */
  write(name: string, bytes: Uint8Array): Promise<void>
  remove(name: string): Promise<void>
}
