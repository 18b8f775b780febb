import { render } from 'preact'
import { restoreSession } from './api/session.ts'
import { App } from './app.tsx'
import { showPlainText } from './parts/plain-text.ts'
import './style/page.css'
import './style/jobs.css'

showPlainText()
const root = document.getElementById('app')
if (root) render(<App />, root)
restoreSession()
