import { type CameraClient, RefusedError, type RemoteUser } from '../../../lib/client/index.ts'
import { requireSuccess } from '../../../lib/client/errors.ts'
import { keyName, keyPath } from './account.ts'
import { confirmed, element, input, make, onSubmit, run, setText } from './dom.ts'
import { inGroups } from './explain.ts'
import { type Session } from './session.ts'

/** Role of users that nobody is. */
const NOBODY = 'Unpaired'
/** What an invited user is unless somebody says otherwise: who may look, and no more. */
const SMALLEST = 'Guest'

/** Users and invitations, for whom the camera lets see them. */
export class People {
  readonly #session: () => Session
  #roles: readonly string[] = []

  constructor(session: () => Session) {
    this.#session = session
    onSubmit('invite', () => this.#invite())
    // A telephone begins a word with a capital; names here have none.
    input('invite-name').addEventListener('input', () => { input('invite-name').value = input('invite-name').value.toLowerCase() })
    element('copy').addEventListener('click', () => void copyLink())
    element('done').addEventListener('click', hideInvitation)
    // Somebody may have come through an invitation since the list was read.
    addEventListener('focus', () => void this.refresh())
    element('people').addEventListener('toggle', () => void this.refresh())
  }

  /** Shows the panel to whoever may see users, and hides it from everybody else: the camera says who that is. */
  async show(): Promise<void> {
    const { iam } = this.#client
    try {
      await iam.users()
      this.#roles = (await iam.roles()).filter((role) => role !== NOBODY)
    } catch (thrown) {
      this.hide()
      if (thrown instanceof RefusedError) return
      throw thrown
    }
    element('people').hidden = false
    const select = element('invite-role')
    select.replaceChildren(...this.#roles.map((role) => make('option', { value: role, textContent: role, selected: role === SMALLEST })))
    await this.refresh()
  }

  hide(): void {
    element('people').hidden = true
    hideInvitation()
  }

  async refresh(): Promise<void> {
    const panel = element('people')
    if (panel.hidden || this.#session().user === undefined) return
    await run(panel, async () => {
      const { iam } = this.#client
      const names = await iam.users()
      const users = await Promise.all(names.map((name) => iam.user(name).catch(onlyName(name))))
      setText(element('people-count'), String(users.length))
      const list = element('users')
      // Under somebody's fingers nothing moves.
      if (!list.contains(document.activeElement)) list.replaceChildren(...users.map((user) => this.#row(user)))
    })
  }

  get #client(): CameraClient<RTCPeerConnection> {
    return this.#session().client
  }

  #row(user: RemoteUser): HTMLElement {
    const { username, displayName, role = '', fingerprints } = user
    const isMe = username === this.#session().user?.username
    const roles = this.#roles.includes(role) ? this.#roles : [role, ...this.#roles]
    const select = make('select', { ariaLabel: `Role of ${username}`, disabled: isMe, title: isMe ? 'Nobody takes their own role away here' : '' },
      ...roles.map((name) => make('option', { value: name, textContent: name === '' ? 'no role' : name, selected: name === role })))
    select.addEventListener('change', () => { this.#act(() => this.#client.iam.setRole(username, select.value)) })
    const remove = make('button', { type: 'button', textContent: 'Remove', hidden: isMe })
    remove.dataset.remove = username
    confirmed(remove, `Really remove ${username}?`, () => { this.#act(() => this.#client.iam.deleteUser(username)) })
    const row = make('li', {},
      make('div', { className: 'who' }, make('strong', { textContent: displayName ?? username }), isMe ? ' (you)' : '', make('div', { className: 'keys' },
        ...(fingerprints.length === 0 ? ['has not come with a browser yet'] : fingerprints.map((key) => this.#key(username, key))))),
      select, remove)
    row.dataset.user = username
    return row
  }

  #key(username: string, key: { fingerprint: string; name?: string }): HTMLElement {
    const isHere = key.fingerprint === this.#session().ownFingerprint
    const button = make('button', { type: 'button', textContent: '×', ariaLabel: `Remove the key ${keyName(key)} of ${username}`, hidden: isHere })
    confirmed(button, 'Remove this key?', () => {
      this.#act(async () => { requireSuccess(await this.#client.coap('DELETE', keyPath(username, key.fingerprint))) })
    })
    return make('span', { className: 'key', title: inGroups(key.fingerprint) }, keyName(key), isHere ? ' · this browser' : '', button)
  }

  #act(act: () => Promise<void>): void {
    const focused = document.activeElement
    if (focused instanceof HTMLElement) focused.blur()
    void run(element('people'), act).then((isDone) => (isDone ? this.refresh() : undefined))
  }

  async #invite(): Promise<void> {
    const [name, role] = [input('invite-name').value.trim(), (element('invite-role') as HTMLSelectElement).value]
    const link = await this.#client.iam.invite({ username: name, role, frontEnd: `${location.origin}${location.pathname}#` })
    input('invite-name').value = ''
    setText(element('invitation-for'), `An invitation for ${name}, as ${role}.`)
    input('invitation-link').value = link
    element('invitation-code').replaceChildren(...await drawCode(link))
    element('invitation').hidden = false
    element('copied').textContent = ''
    await this.refresh()
  }
}

/** Where the camera shows names, and not who they are. */
function onlyName(username: string): (thrown: unknown) => RemoteUser {
  return (thrown) => {
    if (thrown instanceof RefusedError) return { username, fingerprints: [] }
    throw thrown
  }
}

/** The link for the camera of a phone. What draws it comes when it is wanted; without it, the link is still there to copy. */
async function drawCode(link: string): Promise<Element[]> {
  try {
    const { renderSVG } = await import('uqr')
    const code = new DOMParser().parseFromString(renderSVG(link, { border: 2 }), 'image/svg+xml').documentElement
    code.setAttribute('role', 'img')
    code.setAttribute('aria-label', 'The link as a QR code')
    return [code]
  } catch {
    return []
  }
}

async function copyLink(): Promise<void> {
  const field = input('invitation-link')
  field.select()
  try {
    await navigator.clipboard.writeText(field.value)
    element('copied').textContent = 'Copied.'
  } catch {
    // On a page without https there is no clipboard to write to.
    element('copied').textContent = 'Press Ctrl+C: the link is selected.'
  }
}

function hideInvitation(): void {
  element('invitation').hidden = true
  element('invitation-code').replaceChildren()
  input('invitation-link').value = ''
}
