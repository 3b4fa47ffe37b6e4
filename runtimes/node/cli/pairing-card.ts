import { renderUnicodeCompact } from 'uqr'
import type { FirstPairing } from '../../camera/iam.ts'

/** A link as lines for a terminal: as text, and as a code for the camera of a phone. */
export function linkCard(link: string): string[] {
  return [`  ${link}`, '', ...renderUnicodeCompact(link, { border: 2 }).split('\n').map((line) => `  ${line}`)]
}

/** How to become the owner of a camera, as lines for a terminal. */
export function pairingCard({ username, link, code }: FirstPairing): string[] {
  return [
    '', ...linkCard(link), '',
    `Whoever opens this link first owns the camera, as ${username}. Until then it shows nothing to anybody.`,
    `Without the link: open the page with the camera's product and device, and type the code  ${code}`,
  ]
}
