import { BlockList, isIP } from 'node:net'
import { networksOf } from '../env/address-list.ts'

/** Tells the address of a caller: of the connection, or what a trusted proxy says. */
export type ReadAddress = (connection: string | undefined, forwardedFor: string | undefined) => string

/**
 * Reads the address by which wrong credentials are counted: IPv4 as it is, IPv6 as its network of 64 bits, because one host
 * has all addresses of it.
 * @param trusted the proxies whose `X-Forwarded-For` is believed, as `isAddressList` takes them
 */
export function addressReader(trusted: string): ReadAddress {
  const proxies = new BlockList()
  for (const { address, bits, family } of networksOf(trusted)) {
    if (bits === undefined) proxies.addAddress(address, family)
    else proxies.addSubnet(address, bits, family)
  }
  const isTrusted = (address: string) => proxies.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
  return (connection, forwardedFor) => {
    let address = plain(connection ?? '')
    // Each proxy appends the address of its caller, so the last ones are those that trusted proxies have written.
    for (const hop of forwardedFor?.split(',').reverse() ?? []) {
      if (!isIP(plain(hop)) || !isIP(address) || !isTrusted(address)) break
      address = plain(hop)
    }
    return isIP(address) === 6 ? networkOf(address) : address
  }
}

/** An address without white space, and an IPv4 address that IPv6 sockets show as `::ffff:10.0.0.1` as IPv4. */
const plain = (address: string): string => address.trim().replace(/^::ffff:(?=\d+\.)/i, '')

/** The first 64 bits of an IPv6 address. */
function networkOf(address: string): string {
  const [head = '', tail] = address.replace(/%.*$/, '').split('::')
  const groups = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - after.length)
  const all = [...groups, ...Array.from({ length: zeros }, () => '0'), ...after]
  const first = all.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16))
  return `${first.join(':')}::/64`
}
