package system

import _ "salvor/test/seed"
