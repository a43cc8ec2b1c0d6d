package fstab

import _ "salvor/test/seed"
