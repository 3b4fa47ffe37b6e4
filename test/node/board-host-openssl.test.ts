// The C host for boards with OpenSSL, against real and hostile servers.
import { testBoardHost } from './support/board-host.ts'

testBoardHost('openssl')
