import { render } from 'preact'
import { restoreSession } from './api/session.ts'
import { App } from './app.tsx'
import { showPlainText } from './parts/plain-text.ts'
import { returnToPlace } from './state/address.ts'
import { followOverview } from './state/overview.ts'
import { keepIcon } from './state/tab.ts'
import './style/page.css'
import './style/jobs.css'

showPlainText()
returnToPlace()
const root = document.getElementById('app')
if (root) render(<App />, root)
restoreSession()
followOverview()
keepIcon()
