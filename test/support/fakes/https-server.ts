import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import { join } from 'node:path'
import { newFolder } from '../database/database.ts'

/** Whether certificates can be made. */
export const hasOpenssl = spawnSync('openssl', ['version']).status === 0
if (!hasOpenssl) process.stderr.write('skipped: openssl is missing, which makes the certificates of these tests\n')

/** The paths of a certificate and its key. */
export interface Certificate {
  key: string
  cert: string
}

/** Makes a certificate that signs itself, for a name such as `IP:127.0.0.1`. */
export async function certificate(name: string): Promise<Certificate> {
  const folder = await newFolder('certificate')
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const argv = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const files = ['-keyout', key, '-out', cert, '-subj', '/CN=jobs', '-addext', `subjectAltName=${name}`]
  execFileSync('openssl', [...argv, ...files], { stdio: 'ignore' })
  return { key, cert }
}

const authority = `[ca]
default_ca = one
[one]
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = names
copy_extensions = copy
[names]
commonName = supplied
`

/** The same, which has expired. Only `openssl ca` takes times of the past. */
export async function expiredCertificate(name: string): Promise<Certificate> {
  const folder = await newFolder('certificate')
  const run = (argv: string[]) => execFileSync('openssl', argv, { stdio: 'ignore', cwd: folder })
  const files = { 'ca.cnf': authority, 'index.txt': '', serial: '01\n' }
  for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text)
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', 'key.pem']
  run(['req', '-new', ...key, '-out', 'request.pem', '-subj', '/CN=jobs', '-addext', `subjectAltName=${name}`])
  const times = ['-startdate', '20200101000000Z', '-enddate', '20200102000000Z']
  const signed = ['-selfsign', '-keyfile', 'key.pem', '-in', 'request.pem', '-out', 'cert.pem', '-notext', ...times]
  run(['ca', '-batch', '-config', 'ca.cnf', ...signed])
  return { key: join(folder, 'key.pem'), cert: join(folder, 'cert.pem') }
}

/** A jobs server without jobs that speaks https, with the keys that it was sent. */
export async function serveHttps({ key, cert }: Certificate) {
  const keys: unknown[] = []
  const server = createServer({ key: await readFile(key), cert: await readFile(cert) }, (incoming, outgoing) => {
    keys.push(incoming.headers['x-api-key'])
    outgoing.setHeader('content-type', 'application/json').end('[]')
  })
  // A client that refuses the certificate, or speaks http, breaks the connection.
  server.on('tlsClientError', () => {}).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return { url: `https://127.0.0.1:${port}`, port, keys, stop: () => void server.close() }
}
