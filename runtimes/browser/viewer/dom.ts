import { RefusedError } from '../../../lib/client/index.ts'
import { codeOf, wordsFor } from './failures.ts'

export function element(id: string): HTMLElement {
  return required(document.getElementById(id), HTMLElement, `#${id}`)
}

export function form(id: string): HTMLFormElement {
  return required(document.getElementById(id), HTMLFormElement, `form#${id}`)
}

export function input(id: string): HTMLInputElement {
  return required(document.getElementById(id), HTMLInputElement, `input#${id}`)
}

function required<Kind extends Element>(found: Element | null, kind: new () => Kind, what: string): Kind {
  if (!(found instanceof kind)) throw new TypeError(`the page has no ${what}`)
  return found
}

/** Leaves the node alone when nothing changed, so that selections and screen readers are not disturbed. */
export function setText(target: HTMLElement, text: string): void {
  if (target.textContent !== text) target.textContent = text
}

/** A new element with properties and children; text goes in as text, whatever is in it. */
export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name, properties: Partial<HTMLElementTagNameMap[Name]> = {}, ...children: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const made = Object.assign(document.createElement(name), properties)
  made.append(...children)
  return made
}

/** What to say of an error, in a sentence or two; the camera's own words where it has some. */
export function sayError(thrown: unknown): string {
  const code = codeOf(thrown)
  const [headline, advice] = wordsFor(code)
  if (code === 'ERR_DEVICE_REFUSED' && thrown instanceof RefusedError) return `${headline} ${thrown.diagnostic}`.trim()
  return `${headline} ${advice}`
}

/** Says how something that was asked for went, in the line that belongs to it. */
export function say(where: Element, text: string, tone: 'good' | 'bad' = 'bad'): void {
  const line = where.querySelector('.said')
  if (!(line instanceof HTMLElement)) return
  line.textContent = text
  line.dataset.tone = tone
}

/** Runs what was asked for, once at a time; what goes wrong is said in words. @returns whether it went well */
export async function run(where: HTMLElement, act: () => Promise<void>, words: (thrown: unknown) => string = sayError): Promise<boolean> {
  if (where.ariaBusy === 'true') return false
  where.ariaBusy = 'true'
  say(where, '')
  try {
    await act()
    return true
  } catch (thrown) {
    say(where, words(thrown))
    return false
  } finally {
    where.ariaBusy = 'false'
  }
}

/** Answers a form here; it goes to no server. */
export function onSubmit(id: string, act: () => Promise<void>, words?: (thrown: unknown) => string): void {
  const target = form(id)
  target.addEventListener('submit', (event) => {
    event.preventDefault()
    void run(target, act, words)
  })
}

/** A button that asks once more before it does what cannot be undone. */
export function confirmed(button: HTMLButtonElement, question: string, act: () => void): void {
  const label = button.textContent
  let timer: ReturnType<typeof setTimeout> | undefined
  const calm = (): void => {
    clearTimeout(timer)
    timer = undefined
    button.textContent = label
    delete button.dataset.sure
  }
  button.addEventListener('click', () => {
    if (timer !== undefined) {
      calm()
      act()
      return
    }
    button.textContent = question
    button.dataset.sure = 'asked'
    timer = setTimeout(calm, 5000)
  })
}
