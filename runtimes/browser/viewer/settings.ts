import { RefusedError, type RemoteSetting } from '../../../lib/client/index.ts'
import { element, input, onSubmit, run, say, setText } from './dom.ts'
import { type Session } from './session.ts'

const names: readonly string[] = ['passwordInvitePairing', 'passwordOpenPairing', 'localOpenPairing'] satisfies RemoteSetting[]
const isSetting = (name: string): name is RemoteSetting => names.includes(name)

/** What the camera is called, and who can become a user of it. */
export class Settings {
  readonly #session: () => Session
  readonly #renamed: (name: string) => void

  /** @param renamed - told what the camera is called, when that is known or changes */
  constructor(session: () => Session, renamed: (name: string) => void) {
    this.#session = session
    this.#renamed = renamed
    onSubmit('rename', async () => {
      const name = input('friendly-name').value.trim()
      await session().client.iam.setFriendlyName(name)
      renamed(name)
      say(element('rename'), 'Saved.', 'good')
    })
    for (const box of boxes()) {
      box.addEventListener('change', () => {
        const { name, checked } = box
        if (!isSetting(name)) return
        void run(element('pairing'), () => session().client.iam.setSetting(name, checked)).then((isDone) => {
          if (!isDone) box.checked = !checked
        })
      })
    }
  }

  /** Shows what the camera lets this user see of it. */
  async show(): Promise<void> {
    const { iam } = this.#session().client
    try {
      const { friendlyName = '' } = await iam.pairing()
      this.#renamed(friendlyName)
      input('friendly-name').value = friendlyName
      const settings = await iam.settings()
      for (const box of boxes()) if (isSetting(box.name)) box.checked = settings[box.name] ?? false
      setText(element('open-password'), settings.openPairingPassword ?? '')
      element('pairing').hidden = element('settings').hidden = false
    } catch (thrown) {
      this.hide()
      if (!(thrown instanceof RefusedError)) throw thrown
    }
  }

  hide(): void {
    element('settings').hidden = true
  }
}

function boxes(): HTMLInputElement[] {
  return [...element('pairing').querySelectorAll('input')]
}
