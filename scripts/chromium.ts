import { existsSync } from 'node:fs'
import { type Browser, chromium, type LaunchOptions } from 'playwright-core'

/** Where Debian installs it. */
const program = '/usr/bin/chromium'

/** False where no browser is installed; the tests of the dashboard are then skipped, and name it. */
export const hasBrowser = existsSync(program)

/** A headless browser. Root may not use its sandbox. */
export const startBrowser = (options: LaunchOptions = {}): Promise<Browser> =>
  chromium.launch({ executablePath: program, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [], ...options })
