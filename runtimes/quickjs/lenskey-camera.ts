// The camera for a board, as one program: command line, host and device. Everything it does is in board-camera.ts.
import { main } from './board-camera.ts'
import type { Board } from './host.ts'

declare const board: Board

main(board)
