"""Necks: what works on the features between backbone and head."""

from mmvidext.models.necks.dilated_conv_neck import DilatedConvNeck
from mmvidext.models.necks.lsdfn_neck import DFNNeck, LSDFNNeck

__all__ = ['DFNNeck', 'DilatedConvNeck', 'LSDFNNeck']
