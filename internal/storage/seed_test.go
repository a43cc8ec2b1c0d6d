package storage

import _ "salvor/test/seed"
