import { BlockList, isIP } from 'node:net'
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os'

export type Interfaces = NodeJS.Dict<Pick<NetworkInterfaceInfo, 'address' | 'cidr' | 'internal' | 'netmask'>[]>

/**
 * Whether an address is in a network that this machine has an interface in, itself and loopback among them: what the
 * interfaces' netmasks say, read anew each time, as cables are pulled and plugged in.
 * @param address - as a socket tells its peer's; IPv4 in IPv6 and a zone (`fe80::1%eth0`) are understood
 * @param interfaces - default: those that there are now
 */
export function isAttached(address: string | undefined, interfaces: Interfaces = networkInterfaces()): boolean {
  const plain = plainAddress(address)
  const family = isIP(plain)
  if (family === 0) return false
  const networks = new BlockList()
  for (const { cidr } of Object.values(interfaces).flatMap((of) => of ?? [])) {
    const [network = '', prefix = ''] = cidr?.split('/') ?? []
    // A prefix of nothing would make the whole Internet the neighbourhood.
    if (isIP(network) === 0 || Number(prefix) === 0) continue
    networks.addSubnet(network, Number(prefix), isIP(network) === 4 ? 'ipv4' : 'ipv6')
  }
  return networks.check(plain, family === 4 ? 'ipv4' : 'ipv6')
}

/** Without zone, and IPv4 as IPv4; empty for none. */
export function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '')
}

/** As it stands in a URL. */
export function hostOf(address: string): string {
  return isIP(address) === 6 ? `[${address}]` : address
}
