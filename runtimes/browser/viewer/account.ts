import { encodeCbor } from '../../../lib/cbor/index.ts'
import { contentFormats } from '../../../lib/coap/index.ts'
import { RefusedError } from '../../../lib/client/index.ts'
import { requireSuccess } from '../../../lib/client/errors.ts'
import { type BrowserMemory, lifeOf, makeCertificate } from './browser-memory.ts'
import { browserName } from './cards.ts'
import { confirmed, element, form, input, onSubmit, run, say, setText } from './dom.ts'
import { inGroups } from './explain.ts'
import { type Session } from './session.ts'

export interface AccountActions {
  session(): Session
  memory(): BrowserMemory
  /** With which the session was begun. */
  certificate(): RTCCertificate | undefined
  signOut(): void
  /** This browser has lost its key. */
  forgotten(): void
}

/** Whom the camera takes this browser for, and what that person can do about it. */
export class Account {
  readonly #actions: AccountActions

  constructor(actions: AccountActions) {
    this.#actions = actions
    onSubmit('own-password', () => this.#setPassword(input('own-new').value))
    element('sign-out').addEventListener('click', () => { actions.signOut() })
    element('remember').addEventListener('click', () => void run(element('account'), () => this.#remember()))
    confirmed(element('forget') as HTMLButtonElement, 'Really? You will need a password to come back.', () => void run(element('account'), () => this.#forget()))
  }

  show(): void {
    const session = this.#actions.session()
    const { user, token } = session
    element('account').hidden = !session.isSomebody
    if (!session.isSomebody) return
    // A token may give a role without being a user's.
    input('own-username').value = user?.username ?? ''
    element('own-password').hidden = user === undefined
    setText(element('account-title'), user === undefined ? 'You' : user.displayName ?? user.username)
    setText(element('account-role'), user === undefined ? 'by a token' : user.role ?? 'no role')
    const isKnown = user?.fingerprints.some(({ fingerprint }) => fingerprint === session.ownFingerprint) === true
    const certificate = this.#actions.certificate()
    setText(element('account-how'), isKnown && certificate !== undefined
      ? `The camera knows this browser by a key that it keeps, until ${new Date(certificate.expires).toLocaleDateString(undefined, { dateStyle: 'long' })}.${token.isTaken ? ' Your token counts beside it, until you sign out.' : ''}`
      : `You have signed in with a ${token.isTaken ? 'token' : 'password'}. It holds until this page is closed or loaded again.`)
    element('remember').hidden = user === undefined || isKnown || certificate === undefined
    element('forget').hidden = !isKnown
    element('sign-out').hidden = isKnown && !token.isTaken
  }

  hide(): void {
    element('account').hidden = true
  }

  /** Sets a password right after pairing; what the camera says against it is shown where another can be chosen. */
  async choosePassword(password: string): Promise<void> {
    if (await run(form('own-password'), () => this.#setPassword(password), (thrown) => `${this.#refusal(thrown)} You are in all the same: choose another, or go on without.`)) return
    element('account').setAttribute('open', '')
    input('own-new').focus()
  }

  /**
   * Replaces a certificate that comes to its end, where the role allows it; the one before is taken off the camera next time,
   * as this session lives by it.
   */
  async renew(): Promise<void> {
    const [session, memory, certificate] = [this.#actions.session(), this.#actions.memory(), this.#actions.certificate()]
    const known = await memory.recall()
    if (certificate === undefined || known?.certificate === undefined || session.user === undefined) return
    try {
      if (known.retired !== undefined) {
        await this.#removeKey(known.retired)
        await memory.keep({ ...known, certificate, retired: undefined })
      }
      if (lifeOf(certificate, Date.now()) !== 'ending') return
      const next = await makeCertificate()
      await this.#addKey(fingerprintOf(next))
      await memory.keep({ ...known, certificate: next, retired: session.ownFingerprint })
    } catch (thrown) {
      // Then it ends when the page says that it does.
      if (!(thrown instanceof RefusedError)) throw thrown
    }
  }

  async #setPassword(password: string): Promise<void> {
    const { client, user } = this.#actions.session()
    if (user === undefined) return
    await client.iam.setPassword(user.username, password)
    input('own-new').value = ''
    say(form('own-password'), `Set. You can sign in anywhere as ${user.username}.`, 'good')
  }

  #refusal(thrown: unknown): string {
    return thrown instanceof RefusedError && thrown.diagnostic !== '' ? thrown.diagnostic : 'The password was not set.'
  }

  /** For whoever signed in by password: the browser's key becomes one of the user's. */
  async #remember(): Promise<void> {
    const [session, certificate] = [this.#actions.session(), this.#actions.certificate()]
    if (session.ownFingerprint === undefined || certificate === undefined || session.client.verifiedDevice === undefined) return
    const kept = await this.#actions.memory().keep({ fingerprint: session.client.verifiedDevice, certificate })
    if (!kept) {
      say(element('account'), 'This browser keeps nothing: it may be a private window.')
      return
    }
    try {
      await this.#addKey(session.ownFingerprint)
    } catch (thrown) {
      await this.#actions.memory().keep({ fingerprint: session.client.verifiedDevice })
      throw thrown
    }
    await session.refreshUser()
    this.show()
  }

  async #forget(): Promise<void> {
    const { ownFingerprint } = this.#actions.session()
    await this.#actions.memory().forget()
    try {
      if (ownFingerprint !== undefined) await this.#removeKey(ownFingerprint)
    } catch (thrown) {
      // Without the key itself, its fingerprint at the camera opens nothing.
      if (!(thrown instanceof RefusedError)) throw thrown
    } finally {
      this.#actions.forgotten()
    }
  }

  async #addKey(fingerprint: string): Promise<void> {
    const { client, user } = this.#actions.session()
    requireSuccess(await client.coap('PUT', keyPath(user?.username ?? '', fingerprint), {
      contentFormat: contentFormats.cbor, payload: encodeCbor({ FingerprintName: browserName(navigator.userAgent) }),
    }))
  }

  async #removeKey(fingerprint: string): Promise<void> {
    const { client, user } = this.#actions.session()
    requireSuccess(await client.coap('DELETE', keyPath(user?.username ?? '', fingerprint)))
  }
}

export function keyPath(username: string, fingerprint: string): string {
  return `/iam/users/${username}/fingerprints/${fingerprint}`
}

/** By the browser's own account. */
function fingerprintOf(certificate: RTCCertificate): string {
  const sha256 = certificate.getFingerprints().find(({ algorithm }) => algorithm === 'sha-256')?.value
  if (sha256 === undefined) throw new TypeError('the browser tells no fingerprint')
  return sha256.replaceAll(':', '').toLowerCase()
}

/** How a name of a key, or a key without one, is shown. */
export function keyName({ fingerprint, name }: { fingerprint: string; name?: string }): string {
  return name === undefined || name === '' ? inGroups(fingerprint.slice(0, 8)) : name
}
