import type { Browser, Page } from 'playwright-core'
import type { WebrtcSignalingMessage } from '../../../lib/signaling/messages.ts'
import type { TransportEnd } from '../../lib/webrtc/transport-pair.ts'

/** What a page says of its connection and of the picture. */
export interface ViewerState {
  connection: string
  signaling: string
  /** Frames shown, as `requestVideoFrameCallback` counts them. */
  frames: number
  width: number
  height: number
  trackId: string
  messages: string[]
}

/** A viewer that is nothing but a browser's own RTCPeerConnection, negotiating as the impolite side. */
const script = `
  const pc = new RTCPeerConnection()
  const video = document.querySelector('video')
  const state = { frames: 0, trackId: '', messages: [] }
  let makingOffer = false
  const toPeer = (message) => window.toPeer(JSON.stringify(message))
  pc.onicecandidate = ({ candidate }) => candidate && toPeer({ type: 'CANDIDATE', candidate })
  pc.onnegotiationneeded = async () => {
    makingOffer = true
    try {
      await pc.setLocalDescription()
      toPeer({ type: 'DESCRIPTION', description: pc.localDescription })
    } finally {
      makingOffer = false
    }
  }
  pc.ontrack = ({ track }) => {
    state.trackId = track.id
    video.srcObject = new MediaStream([track])
    const count = () => {
      state.frames++
      video.requestVideoFrameCallback(count)
    }
    video.requestVideoFrameCallback(count)
    void video.play()
  }
  pc.ondatachannel = ({ channel }) => {
    channel.onmessage = ({ data }) => {
      state.messages.push(data)
      channel.send('echo ' + data)
    }
  }
  let queue = Promise.resolve()
  let early = []
  window.fromPeer = (text) => (queue = queue.then(async () => {
    const { type, description, candidate } = JSON.parse(text)
    if (type === 'CANDIDATE') {
      if (pc.remoteDescription === null) early.push(candidate)
      else await pc.addIceCandidate(candidate)
      return
    }
    if (description.type === 'offer' && (makingOffer || pc.signalingState !== 'stable')) return
    await pc.setRemoteDescription(description)
    for (const kept of early.splice(0)) await pc.addIceCandidate(kept)
    if (description.type === 'offer') {
      await pc.setLocalDescription()
      toPeer({ type: 'DESCRIPTION', description: pc.localDescription })
    }
  }))
  window.pc = pc
  window.viewerState = () => ({
    ...state, connection: pc.connectionState, signaling: pc.signalingState, width: video.videoWidth, height: video.videoHeight,
  })
`

export interface BrowserViewer {
  page: Page
  state(): Promise<ViewerState>
  /** Runs an expression in the page, where `pc` is the connection. */
  run(expression: string): Promise<unknown>
}

/** Opens a viewer in Chromium that speaks to `transport`, the client's end of a pair. */
export async function openBrowserViewer(browser: Browser, transport: TransportEnd): Promise<BrowserViewer> {
  const page = await browser.newPage()
  await page.exposeFunction('toPeer', (text: string) => {
    void transport.sendWebrtcSignalingMessage(JSON.parse(text) as WebrtcSignalingMessage)
  })
  await page.setContent('<!doctype html><title>viewer</title><video muted playsinline width="640" height="360"></video>')
  await page.addScriptTag({ content: script })
  transport.on('webrtcsignalingmessage', async (message) => {
    if (!page.isClosed()) await page.evaluate('window.fromPeer(' + JSON.stringify(JSON.stringify(message)) + ')').catch(() => undefined)
  })
  return {
    page,
    state: () => page.evaluate<ViewerState>('window.viewerState()'),
    run: (expression) => page.evaluate(expression),
  }
}

/** Resolves with the first state that fits, or rejects with the last one seen. */
export async function viewerBecomes(viewer: BrowserViewer, fits: (state: ViewerState) => boolean, timeoutMs = 15_000): Promise<ViewerState> {
  const end = Date.now() + timeoutMs
  for (;;) {
    const state = await viewer.state()
    if (fits(state)) return state
    if (Date.now() > end) throw new Error(`the viewer stays ${JSON.stringify(state)}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
