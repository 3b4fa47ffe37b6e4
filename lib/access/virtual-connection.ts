import { LenskeyError } from '../errors.ts'
import type { IamConnection } from '../iam/index.ts'
import { type CertificateFingerprints, type DescribedConnection, fingerprintsInForce } from './sdp-fingerprint.ts'

/** Whoever keeps account of connections; an `Iam` is one. */
export interface ConnectionObserver {
  begin(connection: VirtualConnection): void
  end(connection: VirtualConnection): void
}

/**
 * A client inside another connection, such as a WebRTC session (protocol/iam.md Appendix A): what requests, tracks and
 * streams of one session share. Who it is, IAM knows.
 */
export class VirtualConnection implements IamConnection {
  readonly id: string
  readonly isVirtual = true
  readonly #local: () => boolean
  #client: string | undefined
  #device: string | undefined
  #inForce: CertificateFingerprints | undefined
  #endings: (() => void)[] | undefined = []

  /** Use {@link VirtualConnections.begin}. */
  constructor(id: string, isLocal: () => boolean) {
    this.id = id
    this.#local = isLocal
  }

  get isLocal(): boolean {
    return this.#local()
  }

  /** Of the client's DTLS certificate, 64 lower-case digits; undefined until set. */
  get clientFingerprint(): string | undefined {
    return this.#client
  }

  /** Hexadecimal in either case; 63 digits are taken for 64 without the leading zero. @throws {RangeError} */
  set clientFingerprint(digits: string | undefined) {
    this.#client = normalized(digits?.length === 63 ? `0${digits}` : digits)
  }

  /** Of the device's DTLS certificate, 64 lower-case digits; undefined until set. */
  get deviceFingerprint(): string | undefined {
    return this.#device
  }

  /** Hexadecimal in either case. @throws {RangeError} */
  set deviceFingerprint(digits: string | undefined) {
    this.#device = normalized(digits)
  }

  /** Both at once, for the proof that is bound to them; undefined until both are set. */
  fingerprints(): { client: string; device: string } | undefined {
    return this.#client === undefined || this.#device === undefined ? undefined : { client: this.#client, device: this.#device }
  }

  get ended(): boolean {
    return this.#endings === undefined
  }

  /**
   * Takes both fingerprints from the descriptions in force. To be called when the session is up, and after each negotiation.
   * @throws {SdpFingerprintError} the session is to be ended then: nobody can tell with whom it is
   */
  readFingerprints(peerConnection: DescribedConnection): void {
    this.#inForce = fingerprintsInForce(peerConnection, this.#inForce)
    this.clientFingerprint = this.#inForce.remote
    this.deviceFingerprint = this.#inForce.local
  }

  /** Calls back once when the connection ends, in the order of the calls; at once if it has. */
  onEnd(callback: () => void): void {
    if (this.#endings === undefined) callback()
    else this.#endings.push(callback)
  }

  /** Ends the connection and everything that waits for it. */
  end(): void {
    const endings = this.#endings ?? []
    this.#endings = undefined
    for (const ending of endings) ending()
  }
}

export interface VirtualConnectionsOptions {
  /** Connections at a time; default 16. */
  limit?: number
}

export interface ConnectionOptions {
  /**
   * Whether the client's signaling came without help from outside the device's own network; asked at each access check.
   * To be answered by what the device itself saw of the client, never by what anybody says. Default: it did not.
   */
  isLocal?: () => boolean
}

/** The virtual connections of a device. */
export class VirtualConnections {
  readonly #observer: ConnectionObserver
  readonly #limit: number
  readonly #open = new Set<VirtualConnection>()
  #last = 0

  constructor(observer: ConnectionObserver, { limit = 16 }: VirtualConnectionsOptions = {}) {
    this.#observer = observer
    this.#limit = limit
  }

  get open(): ReadonlySet<VirtualConnection> {
    return this.#open
  }

  /**
   * Begins a connection; its id is never used again.
   * @param options - in the protocol virtual connections are never local (protocol/iam.md §5.1); here those are that came through a door of the device's own
   * @throws {LenskeyError} `ERR_ACCESS_TOO_MANY_CONNECTIONS`
   */
  begin({ isLocal = () => false }: ConnectionOptions = {}): VirtualConnection {
    if (this.#open.size >= this.#limit) {
      throw new LenskeyError('ERR_ACCESS_TOO_MANY_CONNECTIONS', `This device serves ${this.#limit} connections at a time: try again later.`)
    }
    const connection = new VirtualConnection(String(++this.#last), isLocal)
    this.#open.add(connection)
    this.#observer.begin(connection)
    connection.onEnd(() => {
      this.#open.delete(connection)
      this.#observer.end(connection)
    })
    return connection
  }

  endAll(): void {
    for (const connection of [...this.#open]) connection.end()
  }
}

function normalized(digits: string | undefined): string | undefined {
  if (digits !== undefined && !/^[0-9a-fA-F]{64}$/.test(digits)) throw new RangeError('a fingerprint has 64 hexadecimal digits')
  return digits?.toLowerCase()
}
