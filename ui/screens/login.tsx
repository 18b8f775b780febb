import { LoginForm } from '../parts/login-form.tsx'

/** The login, in place of every screen while nobody is logged in. */
export const Login = () => (
  <main class="login">
    <h1>jobsctl</h1>
    <LoginForm />
    <p class="faint">
      The key of single-user mode, or a token that <code>jobs-server token create</code> printed.
    </p>
  </main>
)
