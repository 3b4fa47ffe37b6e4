// What to type next, at the end of a complaint about a key.

export const MAKE_KEY = '. Make one with: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem'
export const LEAVE_OPENSSH = '. Convert it in place with: ssh-keygen -p -m PKCS8 -N "" -f key'
export const NAME_CURVE = '. Convert it with: openssl ec -in key.pem -param_enc named_curve -out named.pem'
export const DECRYPT = '. Decrypt it with: openssl pkey -in key.pem -out plain.pem'
export const PUBLIC_HALF = '. Get its public half with: openssl pkey -in key.pem -pubout'
export const KEY_OF_CERTIFICATE = '. Get its key with: openssl x509 -in cert.pem -noout -pubkey'
export const DECOMPRESS = '. Convert it with: openssl ec -pubin -in pub.pem -conv_form uncompressed -out full.pem'
