"""The starter pack: cascades and stress programmes in our own words."""

from knowledge.starter.pack import FOLDER as FOLDER
from knowledge.starter.pack import IDENTIFIERS as IDENTIFIERS
from knowledge.starter.pack import Programme as Programme
from knowledge.starter.pack import Starter as Starter
from knowledge.starter.pack import load_starter as load_starter
from knowledge.starter.pack import read_identifiers as read_identifiers
from knowledge.starter.pack import read_programmes as read_programmes
