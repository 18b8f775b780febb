/** `jobsctl/testing`: what tests of workers need, whatever runs the tests. */
export { type EmptyOptions, type RunResult, runUntilEmpty } from './test/run-until-empty.ts'
export { type TestContext, type TestContextOptions, testContext } from './test/test-context.ts'
export { startTestServer, type TestServer } from './test/test-server.ts'
