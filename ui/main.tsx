import { render } from 'preact'
import { restoreSession } from './api/session.ts'
import { App } from './app.tsx'
import './style/page.css'

const root = document.getElementById('app')
if (root) render(<App />, root)
restoreSession()
