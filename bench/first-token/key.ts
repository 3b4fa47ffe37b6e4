/** A key for measuring, made for this; it guards nothing. */
export const keyPem = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgMKtxo9/2GbwvW/Ce
3ovgN2r366Y15afwJjOJ3jfP4HKhRANCAAS2TPNuOyPmwzI2wKrY/P5/vIeNfoMw
lakpE6p8ioPBHajjorP9nZdnTbIa4DBhHbCrmWhuZwJdiqqV67qOBh/V
-----END PRIVATE KEY-----
`
export const report = (): void => { process.stdout.write(String(process.resourceUsage().maxRSS)) }
