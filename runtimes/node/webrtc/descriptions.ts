import { LenskeyError, messageOf } from '../../../lib/errors.ts'
import type { Log } from '../../../lib/runtime/log.ts'
import type { IceCandidate, SessionDescription } from '../../../lib/webrtc/peer-connection.ts'
import { type MediaSection, parseCandidate, parseMediaSections } from '../../../lib/webrtc/sdp.ts'

/** Which descriptions fit which state (W3C §4.4.1.5); no engine here makes provisional answers. */
const fitting: Record<'local' | 'remote', Record<SessionDescription['type'], string[]>> = {
  local: { offer: ['stable', 'have-local-offer'], answer: ['have-remote-offer'], pranswer: [], rollback: ['have-local-offer'] },
  remote: { offer: ['stable', 'have-local-offer'], answer: ['have-local-offer'], pranswer: [], rollback: ['have-remote-offer'] },
}

/**
 * Checked before an engine is called: libdatachannel ends the process over a local description that does not fit.
 * @throws {LenskeyError} `ERR_WEBRTC_STATE`
 */
export function mustFit(side: 'local' | 'remote', type: SessionDescription['type'], state: string): void {
  if (fitting[side][type].includes(state)) return
  throw new LenskeyError('ERR_WEBRTC_STATE', `a ${side} ${type} does not fit the signaling state ${state}`)
}

export function descriptionRefused(side: 'local' | 'remote', cause: unknown): LenskeyError {
  return new LenskeyError('ERR_WEBRTC_DESCRIPTION_REFUSED', `the ${side} description does not fit: ${messageOf(cause)}`, { cause })
}

/** Media sections in one description: a camera with a few tracks has a handful. */
export const maxSections = 32

/**
 * The peer's description without its wish to restart ICE (RFC 8839 §4.4.1.1.1): with the credentials that it gave before. While the
 * path is alive the peer goes on using it, as a browser does.
 *
 * @param before - the peer's sections until now
 * @throws {LenskeyError} `ERR_WEBRTC_DESCRIPTION_REFUSED` for an SDP without media, or with more than `maxSections`
 */
export function onTheSamePath(sdp: string, before: MediaSection[], log: Log): string {
  const now = parseMediaSections(sdp)
  if (now.length === 0 || now.length > maxSections) {
    throw new LenskeyError('ERR_WEBRTC_DESCRIPTION_REFUSED', `the remote description has ${now.length} media sections`)
  }
  const known = credentialsOf(before)
  const wanted = credentialsOf(now)
  if (known === undefined || wanted === undefined || known.ufrag === wanted.ufrag) return sdp
  log('info', 'webrtc.ice-restart.path-kept')
  return sdp
    .replace(/^a=ice-ufrag:[^\r\n]*/gm, `a=ice-ufrag:${known.ufrag}`)
    .replace(/^a=ice-pwd:[^\r\n]*/gm, `a=ice-pwd:${known.password}`)
}

/** Whether a candidate belongs to a restart that was not followed. */
export function isOfAnotherPath({ candidate, usernameFragment }: IceCandidate, sections: MediaSection[]): boolean {
  const ufrag = usernameFragment ?? parseCandidate(candidate)?.ufrag
  const known = credentialsOf(sections)
  return ufrag !== undefined && known !== undefined && ufrag !== known.ufrag
}

/** Of a bundle, whose sections share one transport. */
function credentialsOf(sections: MediaSection[]): { ufrag: string; password: string } | undefined {
  for (const { iceUfrag: ufrag, icePassword: password } of sections) {
    if (ufrag !== undefined && password !== undefined) return { ufrag, password }
  }
  return undefined
}
