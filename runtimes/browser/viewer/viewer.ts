import { Account } from './account.ts'
import { type Beginning, forgetPerson, gather } from './beginning.ts'
import { BrowserMemory } from './browser-memory.ts'
import { Cards } from './cards.ts'
import { element, input, onSubmit, run, say, sayError } from './dom.ts'
import { explain, type Picture, type Question, type Situation } from './explain.ts'
import { codeOf, isAboutToken } from './failures.ts'
import { Frames } from './frames.ts'
import { plainAddress, readLink, type SortedTokens, sortToken, type ViewerLink, withoutTokens } from './link.ts'
import { hideAgain, showCamera, showSituation, showTimeline, showTrust } from './page.ts'
import { People } from './people.ts'
import { type Credential, type Pairing, Session } from './session.ts'
import { Settings } from './settings.ts'
import { Talk } from './talk.ts'
import { Timeline } from './timeline.ts'
import { cleanToken, requireTokenFor } from './tokens.ts'

const tickMs = 250
/** A camera in the same network answers sooner; with any other there is nothing to wait for. */
const localPatienceMs = 1500
/** A picture comes sooner to whoever may see it by a secret or a token; after so long the person is asked who they are. */
const picturePatienceMs = 4000
/** Failures that pass by themselves, as a camera restarts or a network comes back. */
const passing = new Set([
  'CHANNEL_CLOSED', 'CHANNEL_NOT_FOUND', 'NO_MORE_CHANNELS', 'INTERNAL_ERROR', 'MEDIA_FAILED', 'ERR_SIGNALING_CONNECTION',
  'ERR_SIGNALING_TOO_MANY_REQUESTS', 'SERVICE_TROUBLE', 'ERR_HTTP_UNREACHABLE', 'ERR_HTTP_TIMEOUT', 'ERR_COAP_TIMEOUT',
])
const retrySeconds = [1, 2, 4, 8, 15, 30]

/** Keeps one session alive after another, and the page up to date. */
class Viewer {
  readonly #beginning: Beginning
  readonly #video: HTMLVideoElement
  readonly #sound = element('sound') as HTMLAudioElement
  readonly #cards: Cards
  readonly #account: Account
  readonly #people: People
  readonly #settings: Settings
  readonly #talk: Talk
  readonly #frames: Frames
  /** In memory alone, and only until somebody signs out. */
  #credential: Credential | undefined
  /** Whether the service has asked for a token: without that it does not get to see the camera's server connect token. */
  #isConnectTokenDue = false
  #question: Question = 'none'
  #session: Session
  #timeline = new Timeline(performance.now())
  #attempt = 0
  #retryAtMs: number | undefined

  constructor(beginning: Beginning, video: HTMLVideoElement, cards: Cards) {
    this.#beginning = beginning
    this.#video = video
    this.#cards = cards
    const { link, code, memory, keeps, certificate } = beginning
    cards.prepare(link.invitation, code, keeps)
    this.#account = new Account({
      session: () => this.#session,
      memory: () => memory,
      certificate: () => certificate,
      signOut: () => { this.#signOut() },
      forgotten: () => { location.reload() },
    })
    this.#people = new People(() => this.#session)
    this.#settings = new Settings(() => this.#session, (name) => { showCamera(link, name) })
    this.#talk = new Talk(() => this.#session)
    onSubmit('renewal', async () => {
      await this.#logInByToken(cleanToken(input('renewal-token').value))
      input('renewal-token').value = ''
    }, sayError)
    this.#session = this.#open()
    this.#frames = new Frames(video, () => this.#session.connection, (nowMs, isFirst) => { this.#frameSeen(nowMs, isFirst) })
    setInterval(() => { this.#tick() }, tickMs)
  }

  restart(): void {
    this.#session.close()
    this.#retryAtMs = undefined
    this.#frames.reset()
    this.#video.srcObject = this.#sound.srcObject = null
    this.#question = 'none'
    this.#account.hide()
    this.#people.hide()
    this.#settings.hide()
    this.#talk.reset()
    this.#session = this.#open()
    this.#tick()
  }

  get #expected(): string | undefined {
    return this.#beginning.link.fingerprint ?? this.#beginning.known?.fingerprint
  }

  #open(): Session {
    const timeline = new Timeline(performance.now())
    this.#timeline = timeline
    const { link, certificate } = this.#beginning
    const session: Session = new Session({
      link, certificate, endpointUrl: location.origin, shown: link.accessToken ?? (this.#isConnectTokenDue ? link.serverConnectToken : undefined),
      expected: this.#expected, credential: this.#credential,
    }, {
      changed: () => { queueMicrotask(() => { this.#tick() }) },
      phaseDone: (phase) => { timeline.done(phase, performance.now()) },
      stream: (stream) => {
        if (session !== this.#session && stream === undefined) return
        this.#video.srcObject = stream ?? null
      },
      sound: (stream) => {
        if (session !== this.#session && stream === undefined) return
        this.#sound.srcObject = stream ?? null
      },
      track: (track) => { if (session === this.#session) this.#talk.told(track) },
      met: (refusal) => { this.#met(session, refusal) },
    })
    return session
  }

  /** It is known who is at either end, as far as that can be known without asking the person. */
  #met(session: Session, refusal: unknown): void {
    const { link } = this.#beginning
    if (session !== this.#session) return
    if (session.isSomebody) this.#welcome()
    else if (refusal !== undefined) {
      this.#beginning.link = { ...link, oauthToken: undefined }
      this.ask('token')
      say(element('token-form'), sayError(refusal))
    } else if (link.invitation !== undefined || this.#beginning.code !== '') this.ask('pair')
    else if (link.sharedSecret === undefined && link.accessToken === undefined) void this.#askStranger(session)
    else void this.#askUnlessShown(session)
  }

  /** A secret, or a token that the service vouches by, mostly shows the picture; to whom it does not, there may be another way in. */
  async #askUnlessShown(session: Session): Promise<void> {
    await session.client.ready().catch(() => undefined)
    await new Promise((resolve) => setTimeout(resolve, picturePatienceMs))
    if (session !== this.#session || session.failure !== undefined || session.hasPicture || this.#question !== 'none') return
    if (!session.isSomebody) await this.#askStranger(session)
  }

  /** Somebody with nothing in hand: in the camera's own network there may be a way in all the same. */
  async #askStranger(session: Session): Promise<void> {
    const mode = await Promise.race([session.localPairing(), new Promise<undefined>((resolve) => setTimeout(resolve, localPatienceMs))])
    if (session !== this.#session || session.failure !== undefined) return
    if (mode !== undefined) this.#cards.offerLocal(mode)
    this.ask(mode === undefined ? 'sign-in' : 'pair-here')
  }

  ask(question: Question): void {
    this.#question = question
    // The time that a person takes is not the camera's.
    document.body.dataset.asked = 'true'
    this.#tick()
    this.#cards.focus(question)
  }

  async pair(pairing: Pairing, browserName: string, newPassword: string): Promise<void> {
    const session = this.#session
    await session.pair(pairing, browserName)
    const { certificate, memory } = this.#beginning
    await this.#remember(certificate)
    if (newPassword !== '') {
      await this.#account.choosePassword(newPassword)
      // Without a key that is kept, a session that comes to its end comes back by this.
      if ((await memory.recall())?.certificate === undefined && session.user !== undefined) this.#credential = { username: session.user.username, password: newPassword }
    } else if (pairing.mode === 'local-initial' && session.user !== undefined) {
      // The password of the pairing link, which the camera has shown to whoever looked.
      await session.client.iam.setPassword(session.user.username, null)
    }
    this.#welcome()
  }

  /** Whatever kind of token somebody has pasted. */
  async useToken(text: string): Promise<void> {
    const token = cleanToken(text)
    const sorted = sortToken(token)
    if (sorted.oauthToken !== undefined) requireTokenFor(this.#beginning.link, token)
    if (sorted.oauthToken !== undefined && this.#session.failure === undefined) await this.#logInByToken(token)
    else this.#goOnWith(sorted, token)
  }

  async #logInByToken(token: string): Promise<void> {
    const session = this.#session
    await session.logInByToken(token)
    this.#beginning.link = { ...this.#beginning.link, oauthToken: token }
    if (this.#picture === 'frozen' || session.removed) {
      // The camera has taken the picture away meanwhile. Not every one brings it back within a session.
      this.restart()
      return
    }
    await this.#remember(this.#beginning.known?.certificate)
    if (session === this.#session) this.#welcome()
  }

  /** Begins again, and tells the service what it wants to know. */
  #goOnWith({ oauthToken, ...forService }: SortedTokens, token: string): void {
    const { link, tab } = this.#beginning
    if (oauthToken !== undefined) this.#beginning.link = { ...link, oauthToken }
    else {
      this.#beginning.link = { ...link, accessToken: undefined, ...forService }
      this.#isConnectTokenDue = forService.serverConnectToken !== undefined
      tab.keep(token)
    }
    this.restart()
  }

  async signIn(credential: Credential): Promise<void> {
    await this.#session.logIn(credential)
    this.#credential = credential
    await this.#remember(this.#beginning.known?.certificate)
    this.#welcome()
  }

  /** The session ends, and with it all that goes on by itself in the name of whoever it was. */
  #signOut(): void {
    this.#credential = undefined
    forgetPerson(this.#beginning)
    input('renewal-token').value = ''
    this.restart()
  }

  /** Keeps what has been learnt of the camera, and takes the password out of the address and out of the history. */
  async #remember(certificate: RTCCertificate | undefined): Promise<void> {
    const { link, memory } = this.#beginning
    const fingerprint = this.#session.client.verifiedDevice
    if (fingerprint === undefined) return
    this.#beginning.known = { fingerprint, certificate }
    this.#beginning.code = ''
    memory.serverConnectToken = this.#session.user?.serverConnectToken ?? link.serverConnectToken
    await memory.keep(certificate === undefined ? { fingerprint } : { fingerprint, certificate })
    // Somebody may have signed out meanwhile.
    this.#beginning.link = { ...this.#beginning.link, invitation: undefined }
    history.replaceState(null, '', plainAddress(link, fingerprint))
    this.#cards.prepare(undefined, '', this.#beginning.keeps)
  }

  #welcome(): void {
    this.#question = 'none'
    const { link } = this.#beginning
    // The link of a browser that the camera knows already has done its work before.
    if (link.invitation !== undefined) {
      this.#beginning.link = { ...link, invitation: undefined }
      history.replaceState(null, '', plainAddress(link, this.#session.client.verifiedDevice))
    }
    this.#account.show()
    void run(element('people'), () => this.#people.show())
    void run(element('settings'), () => this.#settings.show())
    void run(element('account'), () => this.#account.renew())
    this.#tick()
  }

  #frameSeen(nowMs: number, isFirst: boolean): void {
    if (isFirst) void this.#talk.offer()
    this.#timeline.done('frame', nowMs)
    this.#attempt = 0
    this.#session.pictureMoves()
    // What the person was asked for is not needed any more.
    if (this.#question !== 'none' && this.#session.user === undefined) this.#question = 'none'
  }

  get #picture(): Picture {
    return this.#session.failure !== undefined || this.#session.removed ? 'none' : this.#frames.picture
  }

  #tick(): void {
    const { signaling, channel, media, connection, failure, trust, removed, hasPicture, user, token } = this.#session
    const nowMs = performance.now()
    if (failure === 'TOKEN_NEEDED' && this.#beginning.link.serverConnectToken !== undefined && !this.#isConnectTokenDue) {
      this.#isConnectTokenDue = true
      this.restart()
      return
    }
    if (failure !== undefined && isAboutToken(failure) && this.#question !== 'token') {
      this.ask('token')
      return
    }
    if (failure !== undefined && this.#retryAtMs === undefined && passing.has(failure)) {
      this.#retryAtMs = nowMs + retrySeconds[Math.min(this.#attempt++, retrySeconds.length - 1)] * 1000
    }
    if (this.#retryAtMs !== undefined && nowMs >= this.#retryAtMs) {
      this.restart()
      return
    }
    if (this.#frames.haveStopped) void this.#session.pictureStopped()
    if (removed || failure !== undefined) this.#closePanels()
    const situation: Situation = {
      signaling, channel, media, greeted: connection !== undefined, relayed: this.#frames.isRelayed, picture: this.#picture, trust, removed, offered: hasPicture,
      question: failure === undefined || isAboutToken(failure) ? this.#question : 'none',
      tokenWanted: token.isWanted,
      user: user === undefined ? undefined : { name: user.username, role: user.role ?? 'none' },
      failure: failure === undefined
        ? undefined
        : { code: this.#nameOf(failure), retryInSeconds: this.#retryAtMs === undefined ? undefined : Math.ceil((this.#retryAtMs - nowMs) / 1000) },
    }
    showSituation(situation, explain(situation), location.host)
    element('renewal').hidden = !token.isWanted || failure !== undefined
    showTrust(situation, this.#session.client.verifiedDevice)
    // It stops where the session did.
    if (failure === undefined) showTimeline(this.#timeline, nowMs)
  }

  /** A key that only this browser knew of is another matter than one that the link names. */
  #nameOf(failure: string): string {
    return failure === 'ERR_CHALLENGE_DEVICE' && this.#beginning.link.fingerprint === undefined ? 'PIN_CHANGED' : failure
  }

  #closePanels(): void {
    this.#people.hide()
    this.#settings.hide()
    if (!this.#session.isSomebody || this.#session.failure !== undefined) this.#account.hide()
  }
}

/** What there is to say before, or instead of, a session. */
function showNothing(question: Question, code: string | undefined): void {
  const situation: Situation = {
    signaling: 'NEW', channel: 'NEW', media: 'new', greeted: false, relayed: false, picture: 'none', trust: 'checking', question,
    user: undefined, removed: false, offered: false, tokenWanted: false, failure: code === undefined ? undefined : { code },
  }
  showSituation(situation, explain(situation), location.host)
  showTrust(situation, undefined)
  hideAgain()
}

async function begin(opened: ViewerLink, code: string, video: HTMLVideoElement, cards: Cards): Promise<Viewer | undefined> {
  showCamera(opened, '')
  const memory = new BrowserMemory(opened)
  element('unpin').addEventListener('click', () => void memory.forget().then(() => { location.reload() }))
  const beginning = await gather(opened, code, memory)
  if (beginning === undefined) {
    showNothing('none', 'PIN_CHANGED')
    return undefined
  }
  const viewer = new Viewer(beginning, video, cards)
  element('again').addEventListener('click', () => { viewer.restart() })
  return viewer
}

function main(): void {
  const video = document.querySelector('video')
  if (video === null) return
  element('full').addEventListener('click', () => void video.requestFullscreen())
  // A link that is changed in place, such as by pasting the part after the #, is a new link.
  addEventListener('hashchange', () => { location.reload() })
  let viewer: Viewer | undefined
  const cards = new Cards({
    pair: async (...answer) => viewer?.pair(...answer),
    signIn: async (credential) => viewer?.signIn(credential),
    token: async (text) => viewer?.useToken(text),
    ask: (question) => viewer?.ask(question),
    open(link, code) {
      history.replaceState(null, '', plainAddress(link, link.fingerprint))
      void start(link, code)
    },
  })
  const start = async (link: ViewerLink, code: string): Promise<void> => {
    viewer = await begin(link, code, video, cards)
  }
  try {
    const link = readLink(location)
    if (link === undefined) {
      showNothing('find', undefined)
      cards.focus('find')
      return
    }
    if (withoutTokens(location.hash) !== location.hash) history.replaceState(null, '', location.pathname + location.search + withoutTokens(location.hash))
    // What came as a query has been sent to the server; at least it goes no further from here.
    if (link.invitation !== undefined && new URLSearchParams(location.search).has('pwd')) history.replaceState(null, '', `${location.pathname}#${location.search.slice(1)}`)
    void start(link, '')
  } catch (thrown) {
    showNothing('find', codeOf(thrown))
  }
}

main()
