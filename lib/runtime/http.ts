/** One request. Redirects are not followed: an endpoint that moved is an error its caller should see. */
export interface HttpRequest {
  method: string
  url: string
  /** Names in lower case. */
  headers?: Record<string, string>
  body?: string | Uint8Array
  /** From the call to the last byte of the body; the default is the host's, 30 seconds unless it says otherwise. */
  timeoutMs?: number
  /** A longer answer rejects with `ERR_HTTP_TOO_LARGE`; default 1 MiB. */
  maxBodyBytes?: number
}

export interface HttpResponse {
  status: number
  /** Value of a header by its lower-case name. */
  header(name: string): string | undefined
  body: Uint8Array
}

/** HTTP(S) as the host offers it. Any status resolves; only a failed exchange rejects. */
export interface Http {
  /**
   * @throws {LenskeyError} `ERR_HTTP_UNREACHABLE` (no answer), `ERR_HTTP_TIMEOUT`, `ERR_HTTP_TOO_LARGE`
   */
  request(request: HttpRequest): Promise<HttpResponse>
}
