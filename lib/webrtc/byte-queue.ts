/** Bytes of small messages are kept together in pieces of so many, so that a peer that sends bytes one by one costs no more. */
const PIECE_BYTES = 4096

/** Bytes that wait to be read, in order. */
export class ByteQueue {
  #pieces: Uint8Array<ArrayBuffer>[] = []
  #first = 0
  #length = 0
  /** Of the last piece, when it is one of ours and not full. */
  #room: { piece: Uint8Array<ArrayBuffer>; used: number } | undefined

  get length(): number {
    return this.#length
  }

  /** @param bytes - kept, not copied, when they are many */
  push(bytes: Uint8Array<ArrayBuffer>): void {
    this.#length += bytes.length
    if (bytes.length >= PIECE_BYTES) {
      this.#closeRoom()
      this.#pieces.push(bytes)
      return
    }
    if (this.#room !== undefined && this.#room.used + bytes.length > PIECE_BYTES) this.#closeRoom()
    this.#room ??= { piece: new Uint8Array(PIECE_BYTES), used: 0 }
    this.#room.piece.set(bytes, this.#room.used)
    this.#room.used += bytes.length
  }

  /** The next bytes, as many as come in one piece; undefined when there are none. */
  take(): Uint8Array<ArrayBuffer> | undefined {
    if (this.#first === this.#pieces.length) this.#closeRoom()
    if (this.#first === this.#pieces.length) return undefined
    const piece = this.#pieces[this.#first]
    this.#length -= piece.length
    // Moved up now and then rather than each time.
    if (++this.#first === this.#pieces.length || this.#first >= 64) {
      this.#pieces = this.#pieces.slice(this.#first)
      this.#first = 0
    }
    return piece
  }

  clear(): void {
    this.#pieces = []
    this.#first = 0
    this.#length = 0
    this.#room = undefined
  }

  #closeRoom(): void {
    if (this.#room !== undefined && this.#room.used > 0) this.#pieces.push(this.#room.piece.subarray(0, this.#room.used))
    this.#room = undefined
  }
}
