// The C host for boards with Mbed TLS under AddressSanitizer and UndefinedBehaviorSanitizer, against real and hostile servers.
import { testBoardHost } from './support/board-host.ts'

testBoardHost('sanitized')
