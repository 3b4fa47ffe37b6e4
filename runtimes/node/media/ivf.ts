import { LenskeyError } from '../../../lib/errors.ts'

/** A clip as it lies in an IVF file: a header of 32 bytes, then each frame behind one of 12, all numbers little-endian. */
export interface Ivf {
  fourcc: string
  width: number
  height: number
  framesPerSecond: number
  frames: Uint8Array[]
}

/** The largest file read, in bytes; a clip is kept in memory whole. */
export const maxIvfBytes = 16 * 1024 * 1024

/** @throws {LenskeyError} `ERR_IVF` for a file that is none, cut short, empty, or longer than `maxIvfBytes` */
export function readIvf(file: Uint8Array): Ivf {
  if (file.length > maxIvfBytes) throw new LenskeyError('ERR_IVF', `the clip is ${file.length} bytes; at most ${maxIvfBytes} are read`)
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  if (file.length < 32 || ascii(file, 0) !== 'DKIF') throw new LenskeyError('ERR_IVF', 'the clip is no IVF file')
  const framesPerSecond = view.getUint32(16, true) / view.getUint32(20, true)
  const frames: Uint8Array[] = []
  for (let offset = view.getUint16(6, true); offset < file.length; ) {
    const length = offset + 12 <= file.length ? view.getUint32(offset, true) : 0
    const start = offset + 12
    if (length === 0 || start + length > file.length) throw new LenskeyError('ERR_IVF', `the clip is cut short at byte ${offset}`)
    frames.push(file.subarray(start, start + length))
    offset = start + length
  }
  if (frames.length === 0 || !(framesPerSecond > 0 && framesPerSecond <= 240)) {
    throw new LenskeyError('ERR_IVF', 'the clip has no frames, or no sensible frame rate')
  }
  return { fourcc: ascii(file, 8), width: view.getUint16(12, true), height: view.getUint16(14, true), framesPerSecond, frames }
}

function ascii(bytes: Uint8Array, start: number): string {
  return String.fromCharCode(...bytes.subarray(start, start + 4))
}
