// The viewer page's own reasoning, without a browser.
import { readFileSync } from 'node:fs'
import tap from 'tap'
import { RefusedError } from '../../lib/client/index.ts'
import { HttpError, SignalingErrorCodes } from '../../lib/signaling/index.ts'
import { TRACK_ERRORS } from '../../lib/webrtc/index.ts'
import { explain, explainTrust, type Situation } from '../../runtimes/browser/viewer/explain.ts'
import { codeOf, codeOfTokenRefusal, isAboutToken, isAlarm, trackErrorWords, wordsFor } from '../../runtimes/browser/viewer/failures.ts'
import { plainAddress, readLink, withoutTokens } from '../../runtimes/browser/viewer/link.ts'
import { phases, Timeline } from '../../runtimes/browser/viewer/timeline.ts'
import { cleanToken, requireTokenFor } from '../../runtimes/browser/viewer/tokens.ts'

/** A token of that audience; nobody looks at its signature here. */
const tokenFor = (aud: string): string => ['{"alg":"ES256"}', JSON.stringify({ aud }), 'signature'].map((part) => Buffer.from(part).toString('base64url')).join('.')
const forCamera = tokenFor('nabto://device?productId=wp-a&deviceId=wd-b')
const forService = tokenFor('https://cams.example.org')

void tap.test('links', (t) => {
  const ids = { productId: 'wp-a', deviceId: 'wd-b' }
  const link = { ...ids, sharedSecret: 's3' }
  t.strictSame(readLink({ search: '?product=wp-a&device=wd-b', hash: '#secret=s3' }), link)
  t.strictSame(readLink({ search: '?productId=wp-a&deviceId=wd-b', hash: '#sharedSecret=s3' }), link, 'the vendor demo\'s names')
  t.strictSame(readLink({ search: '?product=wp-a&device=wd-b&secret=s3', hash: '' }), ids, 'a query is sent to the server: no secret from there')
  t.strictSame(readLink({ search: '?product=wp-a&device=wd-b', hash: '#secret=' }), ids)
  t.strictSame(readLink({ search: '?product=wp-a&device=wd-b', hash: '#secret=a%2Fb%2B' })?.sharedSecret, 'a/b+')
  for (const search of ['', '?product=wp-a', '?product=&device=wd-b', '?device=wd-b']) t.equal(readLink({ search, hash: '#secret=s' }), undefined, search)

  const fingerprint = 'ab'.repeat(32)
  const members = `p=wp-a&d=wd-b&u=admin&pwd=p%26w&sct=x&fp=${fingerprint}`
  const invited = { ...ids, fingerprint, invitation: { username: 'admin', password: 'p&w' }, serverConnectToken: 'x' }
  t.strictSame(readLink({ search: '', hash: `#${members}` }), invited, 'a pairing link')
  t.strictSame(readLink({ search: `?${members}`, hash: '' }), invited, 'as others write it')
  t.throws(() => readLink({ search: '', hash: '#p=wp-a&d=wd-b&u=admin&pwd=x' }), { code: 'ERR_PAIRING_LINK' }, 'without a fingerprint')
  t.strictSame(readLink({ search: '?product=wp-a&device=wd-b', hash: `#fp=${fingerprint.toUpperCase()}` })?.fingerprint, fingerprint)
  t.strictSame(readLink({ search: '?product=wp-a&device=wd-b', hash: '#fp=12' })?.fingerprint, undefined, 'no fingerprint')
  t.equal(plainAddress(invited, fingerprint), `?product=wp-a&device=wd-b#fp=${fingerprint}`, 'no password stays in the address')
  t.equal(plainAddress({ ...link, accessToken: forService, oauthToken: forCamera }, undefined), '?product=wp-a&device=wd-b')
  t.end()
})

void tap.test('tokens go by what they are, and not into the history', (t) => {
  const read = (hash: string): unknown => {
    const { productId, deviceId, ...tokens } = readLink({ search: '?product=wp-a&device=wd-b', hash }) ?? { productId: '', deviceId: '' }
    t.equal(productId + deviceId, 'wp-awd-b')
    return tokens
  }
  for (const name of ['token', 'clientAccessToken', 'sct', 'jwt', 'oauth']) {
    t.strictSame(read(`#${name}=abcDEF123456`), { serverConnectToken: 'abcDEF123456' }, name)
    t.strictSame(read(`#${name}=${forService}`), { accessToken: forService }, name)
    t.strictSame(read(`#${name}=${forCamera}`), { oauthToken: forCamera }, name)
  }
  t.strictSame(read(`#sct=abc&oauth=${forCamera}&secret=s`), { serverConnectToken: 'abc', oauthToken: forCamera, sharedSecret: 's' })
  t.strictSame(read('#token='), {})
  t.strictSame(readLink({ search: `?product=wp-a&device=wd-b&token=${forService}&sct=abc`, hash: '' }), { productId: 'wp-a', deviceId: 'wd-b' }, 'none from a query')
  for (const wrong of ['a.b', 'a.b.c', '%C3%A4', 'a b', `${forService}x.y`, 'a'.repeat(8193)]) t.throws(() => read(`#token=${wrong}`), { code: 'TOKEN_MALFORMED' }, wrong.slice(0, 20))
  t.strictSame(read(`#token=${'a'.repeat(8192)}`), { serverConnectToken: 'a'.repeat(8192) }, 'as long as may be')
  t.equal(cleanToken(` Bearer abc\r\n  DEF123456 `), 'abcDEF123456', 'as mails break it')
  t.throws(() => cleanToken(' '), { code: 'TOKEN_MALFORMED' })
  t.doesNotThrow(() => requireTokenFor({ productId: 'wp-a', deviceId: 'wd-b' }, forCamera))
  t.throws(() => requireTokenFor({ productId: 'wp-a', deviceId: 'wd-c' }, forCamera), { code: 'TOKEN_ELSEWHERE' })
  t.equal(withoutTokens(`#secret=s&token=t&fp=ab&oauth=o`), '#secret=s&fp=ab')
  t.equal(withoutTokens('#jwt=t&clientAccessToken=u'), '')
  t.equal(withoutTokens('#p=wp-a&d=wd-b&u=admin&pwd=x%26&sct=t&fp=ab'), '#p=wp-a&d=wd-b&u=admin&pwd=x%26&fp=ab')
  t.equal(withoutTokens(''), '')
  t.end()
})

const connecting: Situation = {
  signaling: 'CONNECTING', channel: 'NEW', media: 'new', picture: 'none', greeted: false, relayed: false, failure: undefined,
  trust: 'verified', question: 'none', user: undefined, removed: false, offered: false, tokenWanted: false,
}
const live: Situation = { ...connecting, signaling: 'CONNECTED', channel: 'CONNECTED', media: 'connected', picture: 'moving', greeted: true }

void tap.test('words for every situation', (t) => {
  const says = (situation: Partial<Situation>, base = connecting): string => {
    const { tone, headline, advice } = explain({ ...base, ...situation })
    return `${tone}: ${headline} ${advice}`
  }
  t.match(says({}), /^wait: Connecting/)
  t.match(says({ signaling: 'WAIT_RETRY' }), /^wait: The service is out of reach/)
  t.match(says({ signaling: 'CONNECTED', channel: 'DISCONNECTED' }), /^wait: The camera is not online/)
  t.match(says({ signaling: 'CONNECTED', channel: 'CONNECTED' }), /^wait: Greeting/)
  t.match(says({ picture: 'none', media: 'connecting' }, live), /^wait: Finding a path/)
  t.match(says({ picture: 'none' }, live), /^wait: Connected/)
  t.match(says({}, live), /^good: Live. Straight/)
  t.match(says({ relayed: true }, live), /^good: Live. Through a relay/)
  t.match(says({ signaling: 'WAIT_RETRY' }, live), /^good: Live.*Reconnecting/, 'live media does not need the service')
  t.match(says({ picture: 'frozen' }, live), /^wait: The picture stands still.*no frames/)
  t.match(says({ picture: 'frozen', media: 'disconnected' }, live), /^wait: The picture stands still.*another/)
  t.match(says({ picture: 'none', trust: 'checking' }, live), /^wait: Checking that it is your camera.*Nothing is shown or sent/)
  t.match(says({ picture: 'none', question: 'pair' }, live), /^wait: The camera waits for you.*one in your link/)
  t.match(says({ picture: 'none', question: 'pair', trust: 'checking' }, live), /^wait: The camera waits for you.*know its code/)
  t.match(says({ picture: 'none', question: 'sign-in', trust: 'checking' }, live), /^wait: The camera waits.*as you sign in/)
  t.match(says({ picture: 'none', user: { name: 'maria', role: 'Nurse' } }, live), /^wait: Connected as maria.*role Nurse/)
  t.match(says({ picture: 'none', removed: true }, live), /^bad: Your access was taken away/)
  t.match(says({ picture: 'none', removed: true, user: { name: 'maria', role: 'Nurse' } }, live), /^bad: The picture was taken away.*still maria.*Nurse/)
  t.match(says({ picture: 'frozen', tokenWanted: true }, live), /^bad: Your token has run out.*Paste a new token/)
  t.match(says({ picture: 'none', removed: true, tokenWanted: true }, live), /^bad: Your token has run out/)
  t.match(says({ tokenWanted: true }, live), /^good: Live/, 'there is time yet')
  t.match(says({ picture: 'none', question: 'token', trust: 'checking' }, live), /^wait: The camera waits.*sent only when it has proved/)
  t.match(says({ failure: { code: 'CHANNEL_CLOSED', retryInSeconds: 4 } }), /^wait: .*Trying again in 4 s/)
  t.match(says({ failure: { code: 'ERR_NEW_ONE' } }), /^bad: .*ERR_NEW_ONE/, 'a code nobody thought of is at least named')
  for (const code of Object.values(SignalingErrorCodes)) t.notMatch(says({ failure: { code } }), /\(/, `${code} has words of its own`)
  t.end()
})

void tap.test('words for every refusal, and alarms that say what may be going on', (t) => {
  const documented = [...readFileSync('docs/errors.md', 'utf8').matchAll(/`(ERR_(?:CHALLENGE|SDP|PASSWORD|CLIENT|DEVICE)_[A-Z_]+|ERR_SDP_FINGERPRINT|ERR_PAIRING_LINK)`/g)].map(([, code]) => code)
  t.ok(documented.length >= 25, `${documented.length} codes`)
  for (const code of documented) {
    const [headline, advice] = wordsFor(code)
    t.notMatch(headline, code, `${code} has words of its own`)
    if (code.startsWith('ERR_CHALLENGE_') || code === 'ERR_PASSWORD_DEVICE' || code === 'ERR_SDP_FINGERPRINT_CHANGED') {
      t.ok(isAlarm(code), `${code} is an alarm`)
      t.match(advice, /[Ss]omebody between.*may be listening|may be listening in between|[Ss]omebody between keeps it/, 'it says plainly that somebody may be listening')
    }
  }
  for (const code of ['ERR_PASSWORD_WRONG', 'ERR_PASSWORD_THROTTLED', 'ERR_DEVICE_FORBIDDEN', 'CHANNEL_CLOSED', 'ERR_NEW_ONE', 'toString']) t.notOk(isAlarm(code), `${code} is none`)
  t.match(wordsFor('ERR_PASSWORD_WRONG').join(' '), /no such user, or it is not this user's password/, 'the same for both')
  t.match(explainTrust('verified', 'ab'.repeat(32)), { tone: 'good', label: 'Verified' })
  for (const trust of ['checking', 'secret', 'none'] as const) t.match(explainTrust(trust, undefined), { tone: 'wait', label: /^Not verified/ })
  t.match(explainTrust('secret', undefined).more, /signed with the secret.*key was not checked/)
  t.end()
})

void tap.test('words for every refusal of a token or a track', (t) => {
  const status = (statusCode: number): string => codeOf(new HttpError(statusCode, 'no'))
  t.strictSame([401, 403, 503, 500, 400].map(status), ['TOKEN_REFUSED', 'TOKEN_FORBIDDEN', 'SERVICE_TROUBLE', 'SERVICE_TROUBLE', 'ERR_SIGNALING_HTTP'])
  t.strictSame(['TOKEN_NEEDED', 'TOKEN_REFUSED', 'TOKEN_FORBIDDEN', 'SERVICE_TROUBLE', 'TOKEN_INVALID'].map(isAboutToken), [true, true, true, false, false])
  const refusal = (code: '4.01' | '4.04' | '4.29' | '5.00', text = ''): string | undefined => codeOfTokenRefusal(new RefusedError({ code, payload: Buffer.from(text), contentFormat: undefined }))
  t.strictSame([refusal('4.01'), refusal('4.04', 'no such user'), refusal('4.04', 'Resource not found'), refusal('4.29'), refusal('5.00')],
    ['TOKEN_INVALID', 'TOKEN_NOBODY', 'TOKEN_UNSUPPORTED', 'TOKEN_THROTTLED', undefined])
  const codes = ['NEEDED', 'REFUSED', 'FORBIDDEN', 'MALFORMED', 'ELSEWHERE', 'UNVERIFIED', 'INVALID', 'NOBODY', 'UNSUPPORTED', 'THROTTLED'].map((name) => `TOKEN_${name}`)
  for (const code of [...codes, 'SERVICE_TROUBLE', 'CHALLENGE_SILENT']) t.notMatch(wordsFor(code)[0], code, `${code} has words of its own`)
  t.ok(isAlarm('CHALLENGE_SILENT'))
  for (const error of TRACK_ERRORS) if (error !== 'OK') t.match(trackErrorWords[error], /^[a-z].*\.$/, error)
  t.end()
})

void tap.test('timeline', (t) => {
  const timeline = new Timeline(1000)
  t.equal(timeline.totalMs, undefined)
  timeline.done('connect', 1010)
  timeline.done('connect', 1999)
  timeline.done('channel', 1030)
  const times = timeline.times(1100)
  t.strictSame(times.map(({ phase }) => phase), Object.keys(phases))
  t.strictSame(times.slice(0, 4), [
    { phase: 'connect', state: 'done', startMs: 0, endMs: 10 },
    { phase: 'channel', state: 'done', startMs: 10, endMs: 30 },
    { phase: 'setup', state: 'running', startMs: 30, endMs: 100 },
    { phase: 'description', state: 'waiting', startMs: 100, endMs: 100 },
  ], 'the first time counts; a running phase ends now')
  timeline.done('dtls', 1090)
  timeline.done('ice', 1095)
  timeline.done('setup', 1050)
  timeline.done('description', 1060)
  timeline.done('frame', 1120)
  t.equal(timeline.totalMs, 120)
  t.ok(timeline.times(5000).every(({ startMs, endMs }) => endMs >= startMs), 'no phase ends before it starts, whatever the order of events')
  t.end()
})
