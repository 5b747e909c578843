// Entry of the page: joins the link, the feed and the screens.
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { z } from 'zod'
import { connect } from './link/connect.ts'
import { Root } from './Root.tsx'
import { feed } from './state/feed.ts'

z.config({ jitless: true })
const connection = connect()
feed(connection)
createRoot(document.getElementById('root')!).render(<StrictMode><Root connection={connection} /></StrictMode>)
