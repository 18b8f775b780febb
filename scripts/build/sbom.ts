import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'

const Manifest = z.object({ name: z.string(), version: z.string(), license: z.string().optional() })

async function componentOf(folder: string) {
  const { name, version, license } = Manifest.parse(JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')))
  return {
    type: 'library',
    'bom-ref': `${name}@${version}`,
    name,
    version,
    purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
    ...(license !== undefined && { licenses: [{ expression: license }] }),
  }
}

/**
 * A bill of materials (SBOM) as JSON of CycloneDX 1.5: the packages whose code is in the bundles. `npm sbom` would list what the lock file has:
 * tools that build and test, and no more of what runs.
 * @param packages their folders, such as `node_modules/zod`
 */
export async function billOfMaterials(packages: readonly string[]): Promise<string> {
  const [product, components] = await Promise.all([componentOf('.'), Promise.all(packages.map(componentOf))])
  const bill = {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: { component: { ...product, type: 'application' } },
    components,
    dependencies: [{ ref: product['bom-ref'], dependsOn: components.map((one) => one['bom-ref']) }],
  }
  return `${JSON.stringify(bill, null, 1)}\n`
}
