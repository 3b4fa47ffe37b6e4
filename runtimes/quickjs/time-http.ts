import { parseHttpDate } from '../../lib/device/learned-clock.ts'
import { LenskeyError } from '../../lib/errors.ts'
import type { Clock, Http } from '../../lib/runtime/index.ts'
import { type ByteStreams, wrongTime } from './byte-streams.ts'
import { createStreamHttp } from './http.ts'

/**
 * HTTP for a device that does not know the time and asks for it (docs/time.md): verifies the server as ever, but takes the
 * moment at which its certificates have to be valid from the `Date` of its own answer. Nothing secret goes out this way.
 * @param streams - that leave the look at the clock to us: not those of `checkCertificateTimes`
 */
export function createTimeHttp(streams: ByteStreams, clock: Pick<Clock, 'after'>): Http {
  const http = createStreamHttp(streams, clock)
  return {
    async request(request) {
      const response = await http.request(request)
      const { certificateTimes } = response
      const dateMs = parseHttpDate(response.header('date'))
      // Without TLS, and with a TLS stack that judges by a clock of its own, there is nothing to hold the answer to.
      if (certificateTimes === undefined) throw refused('the connection does not tell when the certificates of the service are valid')
      const wrong = dateMs === undefined ? 'it has no date' : wrongTime(certificateTimes, dateMs)
      if (wrong !== undefined) throw refused(`the date of the answer does not fit the certificates of the service: ${wrong}`)
      return response
    },
  }
}

function refused(why: string): LenskeyError {
  return new LenskeyError('ERR_CLOCK_UNKNOWN', `this device does not know the time: ${why}`)
}
