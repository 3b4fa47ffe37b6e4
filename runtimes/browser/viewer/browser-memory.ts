/** What this browser knows of one camera. */
export interface Acquaintance {
  /** Fingerprint of the camera's key, as it has proved to hold it. */
  readonly fingerprint: string
  /** By which the camera knows this browser; only where somebody has paired. Its private half never leaves the browser's store. */
  readonly certificate?: RTCCertificate
  /** Fingerprint of the certificate before this one, which the camera is to be told to forget. */
  readonly retired?: string
  /** Server connect token, for a service that lets nobody through to the camera without one. */
  readonly serverConnectToken?: string
}

const store = 'cameras'

/**
 * The browser's own store, IndexedDB. It may be missing or closed to us (a private window, a full disk): then reading finds
 * nothing, and whoever wants to keep something is told.
 */
export class BrowserMemory {
  /** Kept along with whatever is kept of the camera. */
  serverConnectToken: string | undefined
  readonly #key: string

  constructor({ productId, deviceId }: { productId: string; deviceId: string }) {
    this.#key = `${productId}/${deviceId}`
  }

  async recall(): Promise<Acquaintance | undefined> {
    try {
      const found = (await this.#run('readonly', (cameras) => cameras.get(this.#key))) as Acquaintance | undefined
      this.serverConnectToken ??= found?.serverConnectToken
      return found
    } catch {
      return undefined
    }
  }

  /** @returns whether it will be there next time */
  async keep(acquaintance: Acquaintance): Promise<boolean> {
    try {
      const { serverConnectToken } = this
      await this.#run('readwrite', (cameras) => cameras.put(serverConnectToken === undefined ? acquaintance : { ...acquaintance, serverConnectToken }, this.#key))
      return true
    } catch {
      return false
    }
  }

  /** Whether anything would be kept: asked before a browser is to be known by a key alone. */
  async works(): Promise<boolean> {
    try {
      await this.#run('readwrite', (cameras) => cameras.count())
      return true
    } catch {
      return false
    }
  }

  async forget(): Promise<void> {
    await this.#run('readwrite', (cameras) => cameras.delete(this.#key)).catch(() => undefined)
  }

  async #run(mode: IDBTransactionMode, act: (cameras: IDBObjectStore) => IDBRequest): Promise<unknown> {
    const database = await open()
    try {
      return await new Promise((resolve, reject) => {
        const transaction = database.transaction(store, mode)
        const request = act(transaction.objectStore(store))
        // A write counts when its transaction has gone through, not before.
        transaction.oncomplete = () => { resolve(request.result) }
        transaction.onabort = () => { reject(reasonOf(transaction.error)) }
      })
    } finally {
      database.close()
    }
  }
}

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open('lenskey', 1)
    request.onupgradeneeded = () => { request.result.createObjectStore(store) }
    request.onsuccess = () => { resolve(request.result) }
    request.onerror = () => { reject(reasonOf(request.error)) }
  })
}

function reasonOf(error: DOMException | null): Error {
  return error ?? new Error('the browser keeps nothing')
}

/** As long as browsers let one live. */
const certificateLifeMs = 365 * 24 * 3600_000
/** So long before its end a certificate is to be replaced. */
const renewalMs = 30 * 24 * 3600_000

export function makeCertificate(): Promise<RTCCertificate> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', expires: certificateLifeMs }
  return RTCPeerConnection.generateCertificate(algorithm)
}

export function lifeOf({ expires }: RTCCertificate, nowMs: number): 'fresh' | 'ending' | 'over' {
  // An hour is spared for a session that begins now.
  if (expires - nowMs < 3600_000) return 'over'
  return expires - nowMs < renewalMs ? 'ending' : 'fresh'
}
