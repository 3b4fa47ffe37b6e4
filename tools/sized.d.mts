/** Of a single file: its name under dist/ and the most bytes that it may have. */
export interface SizedFile {
  name: string
  raw: number
  gzip: number
}
export const sized: SizedFile[]
/** Of the camera for boards: of its bundle, of what gzip makes of it, and of its bytecode. */
export const boardSizes: { raw: number; gzip: number; bytecode: number }
