import { afterAll } from 'vitest'
import { endFakes } from './fakes/listen-for-test.ts'
import { endPrograms } from './programs/end-with-tests.ts'

// After the hooks of the test file itself. A test that fails may leave a program behind, or may still be starting one.
afterAll(endPrograms)
afterAll(endFakes)
