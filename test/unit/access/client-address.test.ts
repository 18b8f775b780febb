import { expect, it } from 'vitest'
import { addressReader } from '../../../server/auth/client-address.ts'
import { isAddressList } from '../../../server/env/address-list.ts'

it.each([
  ['without trusted proxies the header is ignored', '', '192.0.2.1', '203.0.113.5', '192.0.2.1'],
  ['a proxy that is not trusted is not believed', '10.0.0.0/8', '192.0.2.1', '203.0.113.5', '192.0.2.1'],
  ['a trusted proxy is believed', '10.0.0.0/8', '10.1.2.3', '203.0.113.5', '203.0.113.5'],
  ['what a caller has written itself is not', '10.0.0.0/8', '10.1.2.3', '1.1.1.1, 203.0.113.5', '203.0.113.5'],
  ['several trusted proxies are passed over', '10.0.0.0/8', '10.1.2.3', '203.0.113.5, 10.9.9.9', '203.0.113.5'],
  ['a word that is no address ends the search', '10.0.0.1', '10.0.0.1', '203.0.113.5, unknown', '10.0.0.1'],
  ['without the header it is the proxy', '10.0.0.1', '10.0.0.1', undefined, '10.0.0.1'],
  ['IPv4 on an IPv6 socket is IPv4', '10.0.0.1', '::ffff:10.0.0.1', '203.0.113.5', '203.0.113.5'],
  ['IPv6 counts by its first 64 bits', '', '2001:db8:1:2:3:4:5:6', undefined, '2001:db8:1:2::/64'],
  ['a short form is the same network', '', '2001:db8:1:2::9', undefined, '2001:db8:1:2::/64'],
  ['zeros inside of the first 64 bits', '', '2001:db8::1:2:3:4:5', undefined, '2001:db8:0:1::/64'],
  ['the loopback', '::1', '::1', '2001:db8::1', '2001:db8:0:0::/64'],
])('%s', (_, trusted, connection, forwarded, address) => {
  expect(addressReader(trusted)(connection, forwarded)).toBe(address)
})

it('a connection without an address is a caller of its own', () => {
  expect(addressReader('10.0.0.1')(undefined, '203.0.113.5')).toBe('')
})

it.each(['', '10.0.0.1', '10.0.0.0/8, ::1', '2001:db8::/32'])('%j is a list of addresses', (text) => {
  expect(isAddressList(text)).toBe(true)
})

it.each(['proxy', '10.0.0.0/33', '10.0.0.0/', '::/129', '10.0.0.1;10.0.0.2', '10.0.0.0/8/9'])('%j is none', (text) => {
  expect(isAddressList(text)).toBe(false)
})
