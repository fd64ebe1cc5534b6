import { mount } from 'svelte'
import './style/base.css'
import './style/parts.css'
import App from './App.svelte'
import { live } from './lib/live.svelte'
import { router } from './lib/router.svelte'

router.start()
live.start()
mount(App, { target: document.getElementById('app')! })
