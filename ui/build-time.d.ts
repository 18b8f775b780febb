/** Method and path of every endpoint by its name. The build puts it in, since the browser does not load the schemas. */
declare const ENDPOINTS: Readonly<Record<string, readonly [method: string, path: string, keyed?: string]>>

/** ECMAScript's JSON.parse with source text access, where the browser has it. */
interface JSON {
  rawJSON?: (text: string) => object
}

/** A style sheet, which the build makes a file of. */
declare module '*.css'
