package apply

import _ "salvor/test/seed"
