import { isIP } from 'node:net'

/** True for a list of addresses and networks such as `10.0.0.0/8, ::1`. */
export const isAddressList = (text: string): boolean => networksOf(text).every(({ valid }) => valid)

interface Network {
  address: string
  bits: number | undefined
  family: 'ipv4' | 'ipv6'
  valid: boolean
}

/** The addresses and networks of a list that is separated by commas; `valid` is false for any other word. */
export function networksOf(text: string): Network[] {
  const words = text.split(',').map((word) => word.trim())
  return words.filter(Boolean).map((word) => {
    const [address = '', length, ...more] = word.split('/')
    const version = isIP(address)
    const bits = length === undefined ? undefined : Number(length)
    const inRange = bits === undefined || (/^\d{1,3}$/.test(length ?? '') && bits <= (version === 6 ? 128 : 32))
    return {
      address,
      bits,
      family: version === 6 ? 'ipv6' : 'ipv4',
      valid: version !== 0 && inRange && more.length === 0,
    }
  })
}
