package host

import _ "salvor/test/seed"
