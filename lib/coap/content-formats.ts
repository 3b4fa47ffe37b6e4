/** Content-Format numbers (RFC 7252 §12.3, RFC 8949 §9.5). */
export const contentFormats = { text: 0, linkFormat: 40, xml: 41, octetStream: 42, json: 50, cbor: 60 } as const
