import { LenskeyError } from '../../../lib/errors.ts'
import { element, input, onSubmit, sayError, setText } from './dom.ts'
import { type Question } from './explain.ts'
import { codeOf } from './failures.ts'
import { readLink, type ViewerLink } from './link.ts'
import { type Credential, type Pairing } from './session.ts'

/** User that a new camera has for its owner (protocol/edge-webrtc.md §8.2). Nobody is ever invited under this name. */
const FIRST_USER = 'admin'

export interface Answers {
  /** @param newPassword - empty for none */
  pair(pairing: Pairing, browserName: string, newPassword: string): Promise<void>
  signIn(credential: Credential): Promise<void>
  /** @param text - a token of any kind, as somebody pasted it */
  token(text: string): Promise<void>
  /** @param code - of the camera, as somebody typed it; empty for none */
  open(link: ViewerLink, code: string): void
  /** The other card, because a person asked for it. */
  ask(question: Question): void
}

/** The questions that the page has for a person. Which one is shown, the style sheet knows from `data-question`. */
export class Cards {
  #invitation: Credential | undefined
  #local: 'local-initial' | 'local-open' | undefined
  #keeps = true

  constructor(answers: Answers) {
    onSubmit('pair-form', () => {
      return answers.pair(this.#pairing(), input('pair-name').value.trim(), input('pair-password').value)
    }, (thrown) => (codeOf(thrown) === 'ERR_PASSWORD_WRONG' ? this.#usedUp() : sayError(thrown)))
    onSubmit('sign-in-form', async () => {
      await answers.signIn({ username: input('sign-in-user').value.trim(), password: input('sign-in-password').value })
      input('sign-in-password').value = ''
    })
    onSubmit('token-form', async () => {
      await answers.token(input('token').value)
      input('token').value = ''
    })
    onSubmit('find-by-link', () => {
      answers.open(linkIn(input('find-link').value), '')
      return Promise.resolve()
    })
    onSubmit('find-form', () => {
      answers.open({ productId: input('find-product').value.trim().toLowerCase(), deviceId: input('find-device').value.trim().toLowerCase() }, input('find-code').value)
      return Promise.resolve()
    })
    element('to-sign-in').addEventListener('click', () => { answers.ask('sign-in') })
    for (const id of ['to-token', 'to-token-too']) element(id).addEventListener('click', () => { answers.ask('token') })
    element('from-token').addEventListener('click', () => { answers.ask('sign-in') })
    element('to-pair').addEventListener('click', () => { answers.ask(this.#local === undefined ? 'pair' : 'pair-here') })
    input('pair-user').addEventListener('input', () => { this.#label() })
    input('pair-name').value = browserName(navigator.userAgent)
  }

  /**
   * @param invitation - who may be become without typing a code
   * @param keeps - whether this browser can keep a key; without one, a password is the only way to come back
   */
  prepare(invitation: Credential | undefined, code: string, keeps: boolean): void {
    this.#invitation = invitation
    this.#local = undefined
    this.#keeps = keeps
    if (code !== '') input('pair-code').value = code
    this.#label()
  }

  /** The camera lets whoever is in its network become a user without a code. */
  offerLocal(mode: 'local-initial' | 'local-open'): void {
    this.#local = mode
    if (mode === 'local-open' && input('pair-user').value === FIRST_USER) input('pair-user').value = ''
    this.#label()
  }

  /** Puts the cursor where it is wanted first. */
  focus(question: Question): void {
    const first = {
      none: undefined, find: 'find-link', token: 'token', 'sign-in': input('sign-in-user').value === '' ? 'sign-in-user' : 'sign-in-password',
      pair: this.#invitation === undefined && input('pair-code').value === '' ? 'pair-code' : 'pair-password',
      'pair-here': this.#local === 'local-open' ? 'pair-user' : 'pair-password',
    }[question]
    if (first !== undefined) input(first).focus({ preventScroll: true })
  }

  #pairing(): Pairing {
    if (this.#invitation !== undefined) return { mode: 'password-invite', ...this.#invitation }
    const username = input('pair-user').value.trim()
    if (this.#local === 'local-initial') return { mode: this.#local }
    if (this.#local === 'local-open') return { mode: this.#local, username }
    return { mode: 'password-invite', username, password: withoutGroups(input('pair-code').value) }
  }

  #label(): void {
    const [byCode, asUser] = [this.#invitation === undefined && this.#local === undefined, this.#invitation === undefined && this.#local !== 'local-initial']
    input('pair-code').required = byCode
    element('pair-by-code').hidden = !byCode
    input('pair-user').required = asUser
    element('pair-as-user').hidden = !asUser
    input('pair-password').required = !this.#keeps
    setText(element('pair-optional'), this.#keeps ? 'optional, but wise' : 'this browser keeps no keys, so you will need it to come back')
    setText(element('pair-user-label'), this.#local === 'local-open' ? 'Name for yourself' : 'For the user')
    if (this.#local === 'local-open') {
      input('pair-username').value = input('pair-user').value.trim()
      setText(element('pair-title'), 'Join this camera')
      setText(element('pair-lead'), 'It takes whoever is in the same network. Choose a name by which it will know you.')
      setText(element('pair-button'), 'Join')
      return
    }
    const username = this.#local === 'local-initial' ? FIRST_USER : this.#invitation?.username ?? input('pair-user').value.trim()
    input('pair-username').value = username
    const isOwner = username === FIRST_USER
    setText(element('pair-title'), isOwner ? 'This camera has no owner yet' : 'You are invited')
    setText(element('pair-lead'), isOwner
      ? 'Make it yours: from then on it knows this browser, and shows its picture to nobody else but whom you invite.'
      : `This camera can know you as ${username}. From then on this browser opens it without a password.`)
    setText(element('pair-button'), isOwner ? 'Make it mine' : 'Accept the invitation')
  }

  #usedUp(): string {
    if (this.#invitation === undefined) return 'That did not open it. Compare the code with the one that the camera prints; once the camera has an owner, the code is used up.'
    return this.#invitation.username === FIRST_USER
      ? 'This link is used up: somebody has made the camera theirs already. If it was you, sign in with the password that you chose. If it was not, somebody else has had your link: reset the camera.'
      : 'This invitation is used up, or was taken back. If you have accepted it before, sign in with your password; if not, ask for another.'
  }
}

/** The code comes in groups, and people type what they see. */
function withoutGroups(code: string): string {
  return code.replace(/\s+/g, '')
}

function linkIn(text: string): ViewerLink {
  let link: ViewerLink | undefined
  try {
    link = readLink(new URL(text.trim()))
  } catch (thrown) {
    if (thrown instanceof LenskeyError) throw thrown
  }
  if (link === undefined) throw new LenskeyError('ERR_PAIRING_LINK', 'the text is no link to a camera')
  return link
}

/** What a person may call this browser, for a start. */
export function browserName(userAgent: string): string {
  const first = (names: [RegExp, string][]): string | undefined => names.find(([pattern]) => pattern.test(userAgent))?.[1]
  const browser = first([[/Edg\//, 'Edge'], [/OPR\//, 'Opera'], [/Firefox\//, 'Firefox'], [/Chrom(e|ium)\//, 'Chrome'], [/Safari\//, 'Safari']]) ?? 'Browser'
  const system = first([[/Android/, 'Android'], [/iPhone/, 'iPhone'], [/iPad/, 'iPad'], [/Windows/, 'Windows'], [/Mac OS X/, 'Mac'], [/CrOS/, 'ChromeOS'], [/Linux/, 'Linux']])
  return system === undefined ? browser : `${browser} on ${system}`
}
