// Entry of the page: joins the link, the feed and the screens.
import './jitless.ts'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { connect } from './link/connect.ts'
import { Root } from './Root.tsx'
import { feed } from './state/feed.ts'

const connection = connect()
feed(connection)
createRoot(document.getElementById('root')!).render(<StrictMode><Root connection={connection} /></StrictMode>)
