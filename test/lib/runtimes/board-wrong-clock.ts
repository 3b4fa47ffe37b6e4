// The camera for boards on a board whose wall clock is off by as many milliseconds as its first argument says.
import { main } from '../../../runtimes/quickjs/board-camera.ts'
import type { Board } from '../../../runtimes/quickjs/host.ts'

declare const board: Board

const [offsetMs, ...args] = board.args
main(Object.assign(Object.create(board) as Board, { args, wallMs: () => board.wallMs() + Number(offsetMs) }))
