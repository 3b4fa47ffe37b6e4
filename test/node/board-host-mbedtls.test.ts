// The C host for boards with Mbed TLS, against real and hostile servers.
import { testBoardHost } from './support/board-host.ts'

testBoardHost('mbedtls')
