export { deviceAudience, deviceOfAudience, looksLikeDeviceAudience } from './device-audience.ts'
export { addChallengeEndpoint, type ChallengedConnection, DEFAULT_CHALLENGE_RATE, MAX_CHALLENGE_BYTES } from './fingerprint-challenge.ts'
export { ChallengeError, type ChallengeErrorCode, verifyChallengeAnswer, verifyDevice } from './fingerprint-challenge-client.ts'
export { addOauthEndpoint, DEFAULT_OAUTH_RATE, type OauthHost, type OauthOptions } from './oauth.ts'
export { type OauthRoles, roleOf, wordsOf } from './oauth-roles.ts'
export { createServerConnectTokens, type ServerConnectTokens, type ServerConnectTokensOptions } from './sct.ts'
export { MAX_SERVER_CONNECT_TOKENS, serverConnectTokenHash } from './sct-hash.ts'
export {
  type CertificateFingerprints, createCertificatePin, type DescribedConnection, fingerprintsInForce, MAX_SDP_LENGTH, sdpFingerprintOf, SdpFingerprintError,
  type SdpFingerprintErrorCode,
} from './sdp-fingerprint.ts'
export { SETTLE_MS, whenSettled } from './settled.ts'
export { type ConnectionObserver, type ConnectionOptions, VirtualConnection, VirtualConnections, type VirtualConnectionsOptions } from './virtual-connection.ts'
