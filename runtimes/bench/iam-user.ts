/** A user as `GET /iam/users/{user}` answers (protocol/iam.md §3.1): 269 bytes of CBOR. */
export const iamUser = {
  Username: 'eve',
  DisplayName: 'Alice',
  Role: 'Standard',
  Fingerprints: [{ Fingerprint: '034f10236a8acd08dc294b3f424cfdc715e4a5ee5f8d71ce42488558db391c37', Name: 'phone' }],
  Fingerprint: '034f10236a8acd08dc294b3f424cfdc715e4a5ee5f8d71ce42488558db391c37',
  Sct: 'WzwjoTabnvux',
  NotificationCategories: [],
}
