package machine

import _ "salvor/test/seed"
