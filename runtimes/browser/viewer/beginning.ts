import { type Acquaintance, type BrowserMemory, lifeOf, makeCertificate } from './browser-memory.ts'
import { type SortedTokens, sortToken, type ViewerLink } from './link.ts'
import { TabMemory } from './tokens.ts'

/** What is known before the first word is exchanged. */
export interface Beginning {
  link: ViewerLink
  /** A code that was typed before the camera was found. */
  code: string
  known: Acquaintance | undefined
  certificate: RTCCertificate | undefined
  memory: BrowserMemory
  tab: TabMemory
  keeps: boolean
}

/**
 * Puts together what a link says and what this browser knows of its camera.
 * @param code - of the camera, as somebody typed it; empty for none
 * @returns undefined where the two speak of different keys
 */
export async function gather(opened: ViewerLink, code: string, memory: BrowserMemory): Promise<Beginning | undefined> {
  const tab = new TabMemory(opened)
  const given = opened.accessToken ?? opened.serverConnectToken
  if (given !== undefined) tab.keep(given)
  const link = given === undefined ? { ...opened, ...recallToken(tab) } : opened
  const known = await memory.recall()
  if (known !== undefined && link.fingerprint !== undefined && link.fingerprint !== known.fingerprint) return undefined
  const isKnown = known?.certificate !== undefined && lifeOf(known.certificate, Date.now()) !== 'over'
  // Where a secret says who may see the picture, nobody needs to be recognised.
  const isNameless = link.fingerprint === undefined && link.sharedSecret !== undefined
  const certificate = isKnown ? known.certificate : isNameless ? undefined : await makeCertificate()
  const serverConnectToken = link.serverConnectToken ?? (link.accessToken === undefined ? known?.serverConnectToken : undefined)
  return { link: { ...link, serverConnectToken }, code, known, certificate, memory, tab, keeps: await memory.works() }
}

/** What was given before this page was loaded again. */
function recallToken(tab: TabMemory): SortedTokens {
  try {
    const token = tab.recall()
    return token === undefined ? {} : sortToken(token)
  } catch {
    return {}
  }
}

/**
 * Forgets the tokens that say who somebody is, to the camera or to the service. A server connect token says nobody: it is the
 * camera's, and without it whoever comes next could not even be asked.
 */
export function forgetPerson(beginning: Beginning): void {
  const { link, tab, memory } = beginning
  if (link.accessToken !== undefined) tab.keep(link.serverConnectToken)
  beginning.link = { ...link, accessToken: undefined, oauthToken: undefined, serverConnectToken: link.serverConnectToken ?? memory.serverConnectToken }
}
